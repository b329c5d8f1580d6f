#include "detect/testing/case_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "detect/features/catalog.h"
#include "detect/testing/event_line.h"

namespace pandun::detect::testing {
namespace {

constexpr std::int64_t kDefaultStart = 1772416800000;  // 2026-03-02T02:00:00Z
constexpr std::uint64_t kRepeatMax = 200000;
constexpr std::int64_t kTimeMax = 253'402'300'800'000;  // ms: the year 10000; sums of two such never overflow

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}
std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text = trimmed(text.substr(end));
  return word;
}
std::optional<double> to_number(std::string_view text) {
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// A small generator of its own: the same numbers on every machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() { return mix64(state_ += 0x9e3779b97f4a7c15ULL); }
  double share() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
};

// "{i+5:08}" and the like; nullopt when what stands between the braces is not known.
std::optional<std::string> filled(std::string_view inner, std::uint64_t i, Dice& dice) {
  const std::size_t colon = inner.find(':');
  const std::string_view head = inner.substr(0, colon);
  const std::string_view tail = colon == std::string_view::npos ? std::string_view{} : inner.substr(colon + 1);
  if (head == "r") {
    const std::size_t dots = tail.find("..");
    if (dots == std::string_view::npos) return std::nullopt;
    const auto low = to_number(tail.substr(0, dots)), high = to_number(tail.substr(dots + 2));
    if (!low || !high || *low < 0 || *high < *low || *high > 1e15) return std::nullopt;
    const auto from = static_cast<std::uint64_t>(*low), to = static_cast<std::uint64_t>(*high);
    return fmt::to_string(from + dice.next() % (to - from + 1));
  }
  if (head.empty() || head[0] != 'i') return std::nullopt;
  std::uint64_t value = i;
  for (std::size_t at = 1; at < head.size();) {
    const char op = head[at++];
    std::uint64_t n = 0;
    const auto [end, failed] = std::from_chars(head.data() + at, head.data() + head.size(), n);
    if (failed != std::errc() || n == 0) return std::nullopt;
    at = static_cast<std::size_t>(end - head.data());
    switch (op) {
      case '+':
        value += n;
        break;
      case '*':
        value *= n;
        break;
      case '/':
        value /= n;
        break;
      case '%':
        value %= n;
        break;
      default:
        return std::nullopt;
    }
  }
  std::string out = fmt::to_string(value);
  if (!tail.empty()) {
    const auto width = to_number(tail);
    if (!width || *width < 1 || *width > 32) return std::nullopt;
    if (out.size() < static_cast<std::size_t>(*width))
      out.insert(0, static_cast<std::size_t>(*width) - out.size(), '0');
  }
  return out;
}

class CaseParser {
 public:
  CaseParser(std::string_view text, const std::string& file, std::size_t events_max)
      : text_(text), file_(file), events_max_(events_max), arena_(std::make_shared<model::Arena>()) {
    const std::string_view name = file_.find('/') == std::string::npos
                                      ? std::string_view(file_)
                                      : std::string_view(file_).substr(file_.rfind('/') + 1);
    case_.name = std::string(name.substr(0, name.ends_with(".case") ? name.size() - 5 : name.size()));
  }

  Result<Case> run() {
    std::size_t at = 0;
    while (at < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at), text_.size());
      const std::string_view line = trimmed(text_.substr(at, end - at));
      at = std::min(end + 1, text_.size());
      ++line_;
      if (line.empty() || line[0] == '#') continue;
      if (!expecting_ && line == "----") {
        expecting_ = true;
        case_.text_before_expected = std::string(text_.substr(0, at));
      } else if (expecting_) {
        expectation(line);
      } else {
        instruction(line);
      }
    }
    if (case_.why.empty()) fault("the case does not say why: begin with 'why: …'");
    if (!expecting_) fault("there is no line ---- before what is expected");
    if (expecting_ && !none_ && case_.expected.empty()) fault("nothing is expected: write 'none' if that is meant");
    if (!faults_.empty()) return error(Errc::kBadInput, file_, faults_);
    finish();
    return std::move(case_);
  }

 private:
  void fault(std::string_view what) {
    faults_ += fmt::format("{}{}:{}: {}", faults_.empty() ? "" : "\n", file_, line_, what);
  }

  void instruction(std::string_view line) {
    const std::size_t colon = line.find(": ");
    const std::string_view head = colon == std::string_view::npos ? std::string_view{} : line.substr(0, colon);
    const std::string_view rest =
        colon == std::string_view::npos ? std::string_view{} : trimmed(line.substr(colon + 2));
    if (head == "why") {
      case_.why += (case_.why.empty() ? "" : " ") + std::string(rest);
    } else if (head == "config") {
      setting(rest);
    } else if (head == "start") {
      const std::optional<std::int64_t> start = parse_rfc3339(rest);
      if (!start) return fault("start: is not an RFC 3339 time with a zone");
      if (!case_.events.events.empty()) return fault("start: must stand before the first event");
      start_ = newest_ = *start;
    } else if (head == "indicator") {
      indicator(rest);
    } else if (head == "suspected") {
      if (rest.empty()) return fault("suspected: needs a number");
      case_.suspects.emplace_back(rest);
    } else if (head == "traits") {
      traits(rest);
    } else if (head == "model") {
      number_model(rest);
    } else if (head == "service" || head == "protected" || head == "without") {
      std::string_view value = rest;
      const std::string_view first = take_word(value);
      if (first.empty() || value.empty()) return fault(fmt::format("{}: needs two values", head));
      auto& list = head == "service" ? case_.services : head == "protected" ? case_.protected_numbers : case_.without;
      list.emplace_back(std::string(first), std::string(value));
    } else {
      event(line);
    }
  }

  void setting(std::string_view rest) {
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return fault("config: needs 'option = value'");
    std::string_view name = trimmed(rest.substr(0, equals));
    const std::optional<double> value = to_number(trimmed(rest.substr(equals + 1)));
    if (!value) return fault("config: the value is not a number");
    Setting setting;
    if (const std::size_t dot = name.find('.'); dot != std::string_view::npos) {
      setting.detector = std::string(name.substr(0, dot));
      name.remove_prefix(dot + 1);
    }
    setting.option = std::string(name);
    setting.value = *value;
    case_.settings.push_back(std::move(setting));
  }

  void indicator(std::string_view rest) {
    CaseIndicator out;
    out.kind = std::string(take_word(rest));
    out.value = std::string(take_word(rest));
    if (out.kind != "address" && out.kind != "domain" && out.kind != "url" && out.kind != "hash")
      return fault("indicator: the kinds are address, domain, url and hash");
    if (out.value.empty()) return fault("indicator: needs a value");
    while (!rest.empty()) {
      const std::string_view word = take_word(rest);
      const std::size_t equals = word.find('=');
      const std::string_view key = word.substr(0, equals);
      const std::string_view value = equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1);
      if (key == "list") {
        out.list = std::string(value);
      } else if (key == "topic") {
        out.topic = std::string(value);
      } else if (key == "severity" && to_number(value).value_or(-1) >= 0 && *to_number(value) <= 100) {
        out.severity = static_cast<std::uint8_t>(*to_number(value));
      } else if (key == "confidence" && to_number(value).value_or(-1) >= 0 && *to_number(value) <= 1) {
        out.confidence = *to_number(value);
      } else {
        fault(fmt::format("indicator: '{}' is not list, topic, severity (0-100) or confidence (0-1)", word));
      }
    }
    case_.indicators.push_back(std::move(out));
  }

  void number_model(std::string_view rest) {
    CaseModel out;
    while (!rest.empty()) {
      const std::string_view word = take_word(rest);
      const std::size_t equals = word.find('=');
      const std::string_view key = word.substr(0, equals);
      const auto value = to_number(equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1));
      if (!value) return fault(fmt::format("model: '{}' is not bias, threshold or a feature, each with =NUMBER", word));
      if (key == "bias") {
        out.bias = *value;
      } else if (key == "threshold") {
        out.threshold = *value;
      } else if (find_feature(model::EntityKind::kNumber, key) != nullptr) {
        out.weights.emplace_back(std::string(key), *value);
      } else {
        return fault(fmt::format("model: numbers have no feature '{}'", key));
      }
    }
    case_.model = std::move(out);
  }

  void traits(std::string_view rest) {
    constexpr std::array<std::string_view, 12> kKinds{"unknown",   "mobile",    "mobile_virtual", "iot",
                                                      "satellite", "fixed",     "toll_free",      "service",
                                                      "short",     "emergency", "international",  "invalid"};
    CaseTraits out;
    out.number = std::string(take_word(rest));
    if (out.number.empty() || rest.empty()) return fault("traits: needs a number and what it is");
    if (out.number.back() == '*') {
      out.prefix = true;
      out.number.pop_back();
    }
    while (!rest.empty()) {
      const std::string_view word = take_word(rest);
      const auto kind = std::find(kKinds.begin(), kKinds.end(), word);
      const std::size_t equals = word.find('=');
      const std::string_view key = word.substr(0, equals);
      const auto value = to_number(equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1));
      if (kind != kKinds.end()) {
        out.traits.kind = static_cast<LineKind>(kind - kKinds.begin());
      } else if (word == "home") {
        out.traits.home = true;
      } else if (word == "cannot_exist") {
        out.traits.cannot_exist = true;
      } else if ((key == "cc" || key == "region") && value && *value >= 0 && *value <= 65535) {
        (key == "cc" ? out.traits.country_code : out.traits.region) = static_cast<std::uint16_t>(*value);
      } else {
        return fault(fmt::format("traits: '{}' is not a kind, cc=86, region=571, home or cannot_exist", word));
      }
    }
    case_.traits.push_back(std::move(out));
  }

  void event(std::string_view line) {
    std::int64_t at = newest_;
    if (line[0] == '+' || line[0] == '@') {
      const bool from_start = line[0] == '@';
      line.remove_prefix(1);
      const std::optional<std::int64_t> offset = parse_span_ms(take_word(line));
      if (!offset) return fault("the time is not one like 12s, 250ms or 1h30m");
      at = std::min((from_start ? start_ : newest_) + *offset, kTimeMax + 1);
    }
    if (line.starts_with("repeat ")) return repeat(line.substr(7), at);
    add(line, at, 0);
    newest_ = at;
  }

  void repeat(std::string_view rest, std::int64_t at) {
    const std::size_t colon = rest.find(" : ");
    if (colon == std::string_view::npos) return fault("repeat: needs ' : ' before the event");
    std::string_view head = rest.substr(0, colon);
    const std::string_view line = trimmed(rest.substr(colon + 3));
    const std::optional<double> count = to_number(take_word(head));
    if (!count || *count < 1 || *count > static_cast<double>(kRepeatMax))
      return fault("repeat: the count is not 1 to 200000");
    std::int64_t every = 0;
    double jitter = 0;
    while (!head.empty()) {
      const std::string_view word = take_word(head);
      std::string_view value = take_word(head);
      if (word == "every") {
        const std::optional<std::int64_t> span = parse_span_ms(value);
        if (!span) return fault("repeat: 'every' needs a time like 60s");
        every = *span;
      } else if (word == "jitter") {
        if (value.ends_with('%')) value.remove_suffix(1);
        const std::optional<double> percent = to_number(value);
        if (!percent || *percent < 0 || *percent > 100) return fault("repeat: 'jitter' needs a share like 10%");
        jitter = *percent / 100;
      } else {
        return fault(fmt::format("repeat: '{}' is not 'every' or 'jitter'", word));
      }
    }
    Dice dice(line_);
    const std::size_t faults = faults_.size();
    for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(*count) && faults_.size() == faults; ++i) {
      if (i != 0)
        at = std::min(at, kTimeMax) + every +
             static_cast<std::int64_t>(static_cast<double>(every) * jitter * (2 * dice.share() - 1));
      add(line, at, i);
    }
    newest_ = at;
  }

  void add(std::string_view line, std::int64_t at, std::uint64_t i) {
    if (at > kTimeMax) return fault("the case runs past the year 10000");
    if (case_.events.events.size() >= events_max_)
      return fault(fmt::format("a case holds at most {} events", events_max_));
    std::string whole;
    Dice dice(combine64(line_, i));
    for (std::size_t p = 0; p < line.size();) {
      const std::size_t close = line[p] == '{' ? line.find('}', p) : std::string_view::npos;
      if (close == std::string_view::npos) {
        whole += line[p++];
        continue;
      }
      const std::optional<std::string> value = filled(line.substr(p + 1, close - p - 1), i, dice);
      if (!value)
        return fault(fmt::format("'{}' is not {{i}}, {{i+5:08}} or {{r:0..255}}", line.substr(p, close - p + 1)));
      whole += *value;
      p = close + 1;
    }
    Result<model::Event> event = parse_event_line(whole, *arena_);
    if (!event.ok()) return fault(event.error().message);
    event->time = EventMs{at};
    event->record = line_;
    event->source = 1;
    case_.events.events.push_back(std::move(event).value());
  }

  void expectation(std::string_view line) {
    if (line == "none") {
      none_ = true;
      return;
    }
    ExpectedAlert alert;
    alert.detector = std::string(take_word(line));
    const std::string_view kind = take_word(line);
    alert.entity = std::string(take_word(line));
    bool known = false;
    for (std::size_t k = 0; k < model::kEntityKinds; ++k)
      if (model::name(static_cast<model::EntityKind>(k)) == kind) {
        alert.kind = static_cast<model::EntityKind>(k);
        known = true;
      }
    if (!known || alert.entity.empty()) return fault("an alert is 'detector kind entity severity 60..79 evidence a,b'");
    while (!line.empty()) {
      const std::string_view word = take_word(line);
      std::string_view value = take_word(line);
      if (word == "severity") {
        const std::size_t dots = value.find("..");
        const auto low = to_number(value.substr(0, dots));
        const auto high = dots == std::string_view::npos ? low : to_number(value.substr(dots + 2));
        const auto graded = [](double v) { return v >= 0 && v <= 100; };
        if (!low || !high || !graded(*low) || !graded(*high))
          return fault("severity is a number from 0 to 100 or a band like 60..79");
        alert.severity_min = static_cast<int>(*low);
        alert.severity_max = static_cast<int>(*high);
      } else if (word == "evidence") {
        while (!value.empty()) {
          const std::size_t comma = std::min(value.find(','), value.size());
          alert.evidence.emplace_back(value.substr(0, comma));
          value.remove_prefix(std::min(comma + 1, value.size()));
        }
      } else {
        return fault(fmt::format("'{}' is not 'severity' or 'evidence'", word));
      }
    }
    case_.expected.push_back(std::move(alert));
  }

  void finish() {
    auto& events = case_.events.events;
    std::stable_sort(events.begin(), events.end(),
                     [](const model::Event& a, const model::Event& b) { return a.time < b.time; });
    for (std::size_t i = 0; i < events.size(); ++i) {
      events[i].position = i + 1;
      events[i].watermark = events[i].time;
    }
    case_.events.arenas.push_back(arena_);
  }

  std::string_view text_;
  std::string file_, faults_;
  std::size_t events_max_;
  std::uint64_t line_ = 0;
  Case case_;
  std::shared_ptr<model::Arena> arena_;
  std::int64_t start_ = kDefaultStart, newest_ = kDefaultStart;
  bool expecting_ = false, none_ = false;
};

}  // namespace

Result<Case> parse_case(std::string_view text, const std::string& file, std::size_t events_max) {
  return CaseParser(text, file, events_max).run();
}

}  // namespace pandun::detect::testing
