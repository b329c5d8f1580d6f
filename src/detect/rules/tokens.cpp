#include <fmt/format.h>

#include <array>
#include <charconv>

#include "detect/rules/syntax.h"

namespace pandun::detect {
namespace {

constexpr std::size_t kBytesMax = 4096;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

class Tokenizer {
 public:
  Tokenizer(std::string_view text, std::vector<ExpressionFault>& faults) : text_(text), faults_(faults) {}

  std::vector<Token> run() {
    if (text_.size() > kBytesMax) {
      fault(kBytesMax, "too_long", fmt::format("the expression is longer than {} bytes", kBytesMax),
            "split it into several rules");
      text_ = text_.substr(0, kBytesMax);
    }
    while (at_ < text_.size()) step();
    tokens_.push_back({TokenKind::kEnd, static_cast<std::uint32_t>(text_.size()), {}, 0});
    return std::move(tokens_);
  }

 private:
  void fault(std::size_t offset, std::string code, std::string message, std::string advice) {
    faults_.push_back({static_cast<std::uint32_t>(offset), std::move(code), std::move(message), std::move(advice)});
  }
  void push(TokenKind kind, std::size_t from, std::string_view text, double number = 0) {
    tokens_.push_back({kind, static_cast<std::uint32_t>(from), text, number});
  }

  void step() {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at_;
    } else if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
      number();
    } else if (is_name_start(c)) {
      const std::size_t from = at_;
      while (at_ < text_.size() && (is_name_start(text_[at_]) || is_digit(text_[at_]))) ++at_;
      push(TokenKind::kName, from, text_.substr(from, at_ - from));
    } else if (c == '"' || c == '\'') {
      quoted(c);
    } else {
      operation();
    }
  }

  void number() {
    const std::size_t from = at_;
    double value = 0;
    const auto [end, failed] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    at_ = static_cast<std::size_t>(end - text_.data());
    if (failed != std::errc()) fault(from, "bad_number", "this number is out of range", "use a plain decimal number");
    if (at_ == from) ++at_;
    if (at_ < text_.size() && (is_name_start(text_[at_]) || text_[at_] == '%')) {
      while (at_ < text_.size() && (is_name_start(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '%')) ++at_;
      fault(from, "bad_number", fmt::format("'{}' is not a number", text_.substr(from, at_ - from)),
            "write times in seconds, shares as 0.2, without units");
    }
    push(TokenKind::kNumber, from, text_.substr(from, at_ - from), value);
  }

  void quoted(char quote) {
    const std::size_t from = at_++;
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) {
      fault(from, "open_text", "this text has no closing quote", fmt::format("close it with {}", quote));
      push(TokenKind::kText, from, text_.substr(at_));
      at_ = text_.size();
      return;
    }
    push(TokenKind::kText, from, text_.substr(at_, end - at_));
    at_ = end + 1;
  }

  void operation() {
    constexpr std::array<std::string_view, 13> kOperators{"==", "!=", "<=", ">=", "<", ">", "+",
                                                          "-",  "*",  "/",  "(",  ")", ","};
    for (const std::string_view op : kOperators) {
      if (!text_.substr(at_).starts_with(op)) continue;
      push(TokenKind::kOperator, at_, op);
      at_ += op.size();
      return;
    }
    std::size_t length = 1;  // a whole UTF-8 character, so that the message stays readable
    while (at_ + length < text_.size() && (static_cast<unsigned char>(text_[at_ + length]) & 0xc0) == 0x80) ++length;
    const char c = text_[at_];
    fault(at_, "unknown_character", fmt::format("'{}' has no meaning here", text_.substr(at_, length)),
          c == '='   ? "compare with =="
          : c == '&' ? "write 'and'"
          : c == '|' ? "write 'or'"
          : c == '!' ? "write 'not'"
                     : "remove it");
    at_ += length;
    if ((c == '&' || c == '|') && at_ < text_.size() && text_[at_] == c) ++at_;
  }

  std::string_view text_;
  std::vector<ExpressionFault>& faults_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Token> tokenize(std::string_view expression, std::vector<ExpressionFault>& faults) {
  return Tokenizer(expression, faults).run();
}

std::string dump(const std::vector<Token>& tokens) {
  constexpr std::array<std::string_view, 5> kKinds{"number", "text", "name", "operator", "end"};
  std::string out;
  for (const Token& t : tokens)
    out += fmt::format("{} {} {}\n", t.offset, kKinds[static_cast<std::size_t>(t.kind)], t.text);
  return out;
}

}  // namespace pandun::detect
