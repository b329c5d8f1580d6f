#include "detect/testing/event_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <vector>

namespace pandun::detect::testing {
namespace {

template <typename T>
std::optional<T> to_integer(std::string_view text) {
  T value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

struct Endpoint {
  model::IpAddress ip;
  std::uint16_t port = 0;
  std::uint8_t protocol = 6;
};

// "192.0.2.1", "192.0.2.1:80", "192.0.2.1:80/tcp", "[2001:db8::1]:80/udp", "2001:db8::1".
std::optional<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint out;
  if (const std::size_t slash = text.rfind('/'); slash != std::string_view::npos) {
    const std::string_view name = text.substr(slash + 1);
    const auto number = to_integer<std::uint8_t>(name);
    if (name == "udp") {
      out.protocol = 17;
    } else if (name == "icmp") {
      out.protocol = 1;
    } else if (number) {
      out.protocol = *number;
    } else if (name != "tcp") {
      return std::nullopt;
    }
    text = text.substr(0, slash);
  }
  std::string_view address = text, port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    address = text.substr(1, close - 1);
    if (close + 1 < text.size()) {
      if (text[close + 1] != ':') return std::nullopt;
      port = text.substr(close + 2);
      if (port.empty()) return std::nullopt;
    }
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    address = text.substr(0, text.find(':'));
    port = text.substr(text.find(':') + 1);
    if (port.empty()) return std::nullopt;
  }
  const std::optional<model::IpAddress> ip = model::IpAddress::parse(address);
  if (!ip) return std::nullopt;
  out.ip = *ip;
  if (port.empty()) return out;
  const auto number = to_integer<std::uint16_t>(port);
  if (!number) return std::nullopt;
  out.port = *number;
  return out;
}

// The words of a line: from, arrow, to, then flags and key=value pairs; every word must be asked for.
class Words {
 public:
  Words(std::string_view line, model::Arena& arena) : arena_(arena) {
    while (!line.empty()) {
      const std::size_t end = std::min(line.find(' '), line.size());
      if (end != 0) words_.push_back({line.substr(0, end), false});
      line.remove_prefix(std::min(end + 1, line.size()));
    }
  }
  std::string_view at(std::size_t i) {
    if (i >= words_.size()) return {};
    words_[i].used = true;
    return words_[i].text;
  }
  bool flag(std::string_view name) {
    for (Word& w : words_)
      if (w.text == name && !w.used) return w.used = true;
    return false;
  }
  std::string_view text(std::string_view key) {
    for (Word& w : words_) {
      if (w.used || w.text.size() <= key.size() || !w.text.starts_with(key) || w.text[key.size()] != '=') continue;
      w.used = true;
      return arena_.copy(w.text.substr(key.size() + 1));
    }
    return {};
  }
  template <typename T>
  T number(std::string_view key, T fallback) {
    const std::string_view value = text(key);
    if (value.empty()) return fallback;
    const std::optional<T> out = to_integer<T>(value);
    if (!out) fault(fmt::format("{}={} is not a number that fits", key, value));
    return out.value_or(fallback);
  }
  void fault(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
  }
  Result<> finish() {
    for (const Word& w : words_)
      if (!w.used) fault(fmt::format("'{}' is not understood here", w.text));
    if (!fault_.empty()) return error(Errc::kBadInput, "", fault_);
    return {};
  }

 private:
  struct Word {
    std::string_view text;
    bool used;
  };
  model::Arena& arena_;
  std::vector<Word> words_;
  std::string fault_;
};

model::Answered answered_of(Words& words, std::string_view yes, std::string_view no) {
  if (words.flag(yes)) return model::Answered::kYes;
  return words.flag(no) ? model::Answered::kNo : model::Answered::kUnknown;
}

struct Ends {
  Endpoint from, to;
};
Ends ends(Words& words) {
  const std::optional<Endpoint> from = parse_endpoint(words.at(1));
  const std::string_view arrow = words.at(2);
  const std::optional<Endpoint> to = parse_endpoint(words.at(3));
  if (!from || !to || (arrow != "->" && arrow != "<-"))
    words.fault("an event names two addresses, as in 10.0.0.1 -> 192.0.2.1:80/tcp");
  return {from.value_or(Endpoint{}), to.value_or(Endpoint{})};
}

void numbers(Words& words, model::NumberKey& from, model::NumberKey& to) {
  from = parse_number(words.at(1));
  if (words.at(2) != "->") words.fault("an event names two numbers, as in +8613800000001 -> +8613900000002");
  to = parse_number(words.at(3));
  if (!from.known() && words.at(1) != "-") words.fault("the first number is missing ('-' stands for a withheld one)");
  if (!to.known()) words.fault("the second number is missing");
}

model::Call call(Words& w) {
  model::Call c;
  numbers(w, c.caller, c.callee);
  c.duration_s = w.number<std::int32_t>("dur", -1);
  c.answered = answered_of(w, "answered", "unanswered");
  c.caller_device = w.text("device");
  c.caller_cell = w.text("cell");
  c.callee_cell = w.text("callee_cell");
  c.route = w.text("route");
  c.release_cause = w.number<std::int16_t>("cause", -1);
  c.international = w.flag("intl");
  c.roaming = w.flag("roaming");
  c.ring_s = w.number<std::int16_t>("ring", -1);
  c.callee_device = w.text("callee_device");
  return c;
}

model::Message message(Words& w) {
  model::Message m;
  numbers(w, m.sender, m.recipient);
  m.segments = w.number<std::int32_t>("seg", 1);
  m.sender_device = w.text("device");
  m.sender_cell = w.text("cell");
  m.route = w.text("route");
  m.international = w.flag("intl");
  m.template_hash = w.text("template");
  m.link_domain = w.text("link");
  return m;
}

model::Opening opening(Words& w) {
  model::Opening o;
  o.number = parse_number(w.at(1));
  if (!o.number.known()) w.fault("an opening names the number that was opened");
  o.holder = w.text("holder");
  o.agent = w.text("agent");
  o.plan = w.text("plan");
  return o;
}

model::CellReport cell_report(Words& w) {
  model::CellReport c;
  c.reporter = parse_number(w.at(1));
  if (!c.reporter.known()) w.fault("a report names who reports");
  c.cell = w.text("cell");
  if (c.cell.empty()) w.fault("a report names the cell that was seen: cell=…");
  c.near_cell = w.text("near");
  const std::string_view sender = w.text("sender");
  if (!sender.empty()) c.sender = parse_number(sender);
  using enum model::CellOddity;
  for (const model::CellOddity oddity : {kUnknownCell, kLacJump, kForced2g, kStrongSignal, kMessageFromIt})
    if (w.flag(model::name(oddity))) c.oddity = oddity;
  return c;
}

model::CallProgress call_progress(Words& w) {
  model::CallProgress c;
  numbers(w, c.caller, c.callee);
  c.call = w.text("id");
  if (c.call.empty()) w.fault("a call in progress has the switch's token: id=…");
  c.since_s = w.number<std::int32_t>("since", -1);
  c.route = w.text("route");
  c.international = w.flag("intl");
  using enum model::CallStage;
  for (const model::CallStage stage : {kAnswered, kLasts, kEnded})
    if (w.flag(model::name(stage))) c.stage = stage;
  return c;
}

model::Flow flow(Words& w) {
  const Ends e = ends(w);
  model::Flow f;
  f.src = e.from.ip;
  f.dst = e.to.ip;
  f.src_port = e.from.port != 0 ? e.from.port : std::uint16_t{40000};
  f.dst_port = e.to.port;
  f.protocol = e.to.protocol;
  f.state = w.flag("established") ? model::FlowState::kEstablished
            : w.flag("attempted") ? model::FlowState::kAttempted
            : w.flag("rejected")  ? model::FlowState::kRejected
            : w.flag("midstream") ? model::FlowState::kMidstream
                                  : model::FlowState::kUnknown;
  f.bytes_out = w.number<std::int64_t>("out", -1);
  f.bytes_in = w.number<std::int64_t>("in", -1);
  f.packets_out = w.number<std::int32_t>("packets_out", -1);
  f.packets_in = w.number<std::int32_t>("packets_in", -1);
  f.duration_ms = w.number<std::int64_t>("time", -1);
  f.service = w.text("service");
  return f;
}

model::Dns dns(Words& w, model::Arena& arena) {
  const Ends e = ends(w);
  model::Dns d;
  d.client = e.from.ip;
  d.server = e.to.ip;
  d.query = w.text("query");
  d.registrable = w.text("registrable");
  if (d.registrable.empty() && !d.query.empty()) {  // good enough for cases: the last two labels
    const std::size_t last = d.query.rfind('.');
    const std::size_t before = last == std::string_view::npos || last == 0 ? last : d.query.rfind('.', last - 1);
    d.registrable = before == std::string_view::npos ? d.query : d.query.substr(before + 1);
  }
  d.qtype = w.number<std::uint16_t>("type", 1);
  d.rcode = w.number<std::int16_t>("rcode", 0);
  std::string answers(w.text("answers"));
  std::replace(answers.begin(), answers.end(), ',', ' ');
  d.answers = arena.copy(answers);
  return d;
}

model::Http http(Words& w) {
  const Ends e = ends(w);
  model::Http h;
  h.client = e.from.ip;
  h.server = e.to.ip;
  h.server_port = e.to.port;
  for (const std::string_view method : {"GET", "POST", "HEAD", "PUT", "CONNECT"})
    if (w.flag(method)) h.method = method;
  h.host = w.text("host");
  h.registrable = w.text("registrable");
  h.uri = w.text("uri");
  h.user_agent = w.text("agent");
  h.status = w.number<std::uint16_t>("status", 200);
  h.bytes_out = w.number<std::int64_t>("out", -1);
  h.bytes_in = w.number<std::int64_t>("in", -1);
  return h;
}

model::Tls tls(Words& w) {
  const Ends e = ends(w);
  model::Tls t;
  t.client = e.from.ip;
  t.server = e.to.ip;
  t.server_port = e.to.port;
  t.established = w.flag("established");
  t.sni = w.text("sni");
  t.registrable = w.text("registrable");
  t.ja3 = w.text("ja3");
  t.ja3s = w.text("ja3s");
  t.certificate_sha1 = w.text("cert");
  return t;
}

model::File file(Words& w) {
  const Ends e = ends(w);
  model::File f;
  f.client = e.from.ip;
  f.server = e.to.ip;
  f.sha256 = w.text("sha256");
  f.sha1 = w.text("sha1");
  f.md5 = w.text("md5");
  f.mime = w.text("mime");
  f.name = w.text("name");
  f.bytes = w.number<std::int64_t>("bytes", -1);
  return f;
}

model::Login login(Words& w) {
  const Ends e = ends(w);
  model::Login l;
  l.client = e.from.ip;
  l.server = e.to.ip;
  l.server_port = e.to.port;
  l.succeeded = answered_of(w, "succeeded", "failed");
  l.attempts = w.number<std::int32_t>("attempts", 1);
  l.service = w.text("service");
  return l;
}

model::Sighting sighting(Words& w) {
  const Ends e = ends(w);
  model::Sighting s;
  s.client = e.from.ip;
  s.server = e.to.ip;
  s.server_port = e.to.port;
  s.severity = w.number<std::int16_t>("severity", -1);
  s.name = w.text("name");
  s.category = w.text("category");
  s.message = w.text("message");
  return s;
}

}  // namespace

model::NumberKey parse_number(std::string_view text) {
  if (text.empty() || text == "-") return {};
  const bool plus = text[0] == '+';
  const std::string_view digits = plus ? text.substr(1) : text;
  const bool numeric =
      !digits.empty() && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (plus && numeric && digits.size() <= 15)
    return model::NumberKey::e164(to_integer<std::uint64_t>(digits).value_or(0));
  if (text[0] == '?') return model::NumberKey::invalid(text.substr(1));
  if (!plus && numeric && digits.size() <= 8) return model::NumberKey::service(digits);
  return model::NumberKey::opaque(text);
}

std::optional<std::int64_t> parse_span_ms(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t n = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (failed != std::errc() || n < 0 || n > 1'000'000'000'000) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const std::size_t letters = static_cast<std::size_t>(
        std::find_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) - text.begin());
    const std::string_view unit = text.substr(0, letters);
    const std::int64_t scale = unit == "ms"  ? 1
                               : unit == "s" ? 1000
                               : unit == "m" ? 60'000
                               : unit == "h" ? 3'600'000
                               : unit == "d" ? 86'400'000
                                             : 0;
    if (scale == 0 || n > 100'000'000'000'000 / scale) return std::nullopt;
    total += n * scale;
    if (total > 100'000'000'000'000) return std::nullopt;
    text.remove_prefix(letters);
  }
  return total;
}

Result<model::Event> parse_event_line(std::string_view line, model::Arena& arena) {
  Words words(line, arena);
  model::Event event;
  const std::string_view kind = words.at(0);
  if (kind == "call") {
    event.payload = call(words);
  } else if (kind == "msg") {
    event.payload = message(words);
  } else if (kind == "opening") {
    event.payload = opening(words);
  } else if (kind == "cell_report") {
    event.payload = cell_report(words);
  } else if (kind == "progress") {
    event.payload = call_progress(words);
  } else if (kind == "flow") {
    event.payload = flow(words);
  } else if (kind == "dns") {
    event.payload = dns(words, arena);
  } else if (kind == "http") {
    event.payload = http(words);
  } else if (kind == "tls") {
    event.payload = tls(words);
  } else if (kind == "file") {
    event.payload = file(words);
  } else if (kind == "login") {
    event.payload = login(words);
  } else if (kind == "sighting") {
    event.payload = sighting(words);
  } else {
    return error(Errc::kBadInput, "",
                 fmt::format("'{}' is not an event, a repeat, or one of why: config: start: indicator: service: "
                             "protected: suspected: traits: without:",
                             kind));
  }
  TRY(words.finish());
  return event;
}

}  // namespace pandun::detect::testing
