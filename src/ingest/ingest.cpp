#include "ingest/ingest.h"

#include <algorithm>

namespace pandun::ingest {

std::string_view OpaqueBook::find(model::NumberKey key) const {
  const auto it = names_.find(key.bits());
  return it == names_.end() ? std::string_view{} : std::string_view(it->second);
}

Normaliser::Normaliser(const Numbering& numbering, Domains domains, NormaliserOptions options, OpaqueBook* book)
    : numbering_(numbering),
      domains_(std::move(domains)),
      options_(options),
      book_(book),
      duplicates_(options.duplicate_window) {}

void Normaliser::run(model::EventBatch& batch, std::vector<model::Reject>& rejects) {
  auto arena = std::make_shared<model::Arena>(16 * 1024);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    model::Event& event = batch.events[i];
    if (event.time < options_.earliest || event.time > options_.latest) [[unlikely]] {
      rejects.push_back(refuse(event));
      ++counts_.rejected;
      continue;
    }
    normalise(event, *arena);
    if (duplicates_.seen(event)) [[unlikely]] {
      ++counts_.duplicates;
      continue;
    }
    if (kept != i) batch.events[kept] = event;
    ++kept;
  }
  counts_.events += kept;
  batch.events.resize(kept);
  if (arena->bytes() != 0) batch.arenas.push_back(std::move(arena));
}

model::Reject Normaliser::refuse(const model::Event& event) const {
  const bool future = event.time > options_.latest;
  model::Reject reject;
  reject.source = event.source;
  reject.record = event.record;
  reject.reason = future ? model::RejectReason::kFutureTime : model::RejectReason::kBadTime;
  reject.detail = future ? "event time " + rfc3339(event.time) + " is later than " + rfc3339(options_.latest)
                         : "event time " + rfc3339(event.time) + " is earlier than " + rfc3339(options_.earliest) +
                               "; state a time base in the column map if this feed has a clock of its own";
  return reject;
}

void Normaliser::normalise(model::Event& event, model::Arena& arena) {
  switch (event.kind()) {
    case model::EventKind::kCall: {
      auto& call = event.as<model::Call>();
      call.caller = number(call.caller_text);
      call.callee = number(call.callee_text);
      break;
    }
    case model::EventKind::kMessage: {
      auto& message = event.as<model::Message>();
      message.sender = number(message.sender_text);
      message.recipient = number(message.recipient_text);
      if (!message.link_domain.empty()) message.link_domain = domains_.host(message.link_domain, arena).name;
      break;
    }
    case model::EventKind::kOpening: {
      auto& opening = event.as<model::Opening>();
      opening.number = number(opening.number_text);
      break;
    }
    case model::EventKind::kCellReport: {
      auto& report = event.as<model::CellReport>();
      // Not through number(): of who reports nothing but the key is kept, not even the token in the book of opaque ones.
      report.reporter = numbering_.parse(report.reporter_text, options_.numbers_opaque);
      report.reporter_text = {};
      if (!report.sender_text.empty()) report.sender = number(report.sender_text);
      break;
    }
    case model::EventKind::kCallProgress: {
      auto& progress = event.as<model::CallProgress>();
      progress.caller = number(progress.caller_text);
      progress.callee = number(progress.callee_text);
      break;
    }
    case model::EventKind::kDns: {
      auto& dns = event.as<model::Dns>();
      const NormalName name = domains_.name(dns.query, arena);
      dns.query = name.name;
      dns.registrable = name.registrable;
      break;
    }
    case model::EventKind::kHttp: {
      auto& http = event.as<model::Http>();
      const NormalName name = domains_.host(http.host, arena);
      http.host = name.name;
      http.registrable = name.registrable;
      break;
    }
    case model::EventKind::kTls: {
      auto& tls = event.as<model::Tls>();
      const NormalName name = domains_.host(tls.sni, arena);
      tls.sni = name.name;
      tls.registrable = name.registrable;
      break;
    }
    case model::EventKind::kFlow:
    case model::EventKind::kFile:
    case model::EventKind::kLogin:
    case model::EventKind::kSighting:
      break;
  }
}

model::NumberKey Normaliser::number(std::string_view& text) {
  const model::NumberKey key = numbering_.parse(text, options_.numbers_opaque);
  switch (key.kind()) {
    case model::NumberKind::kE164:
    case model::NumberKind::kService:
      break;
    case model::NumberKind::kWithheld:
      ++counts_.withheld_numbers;
      break;
    case model::NumberKind::kOpaque:
      ++counts_.opaque_numbers;
      if (book_ != nullptr) book_->add(key, text);
      break;
    case model::NumberKind::kInvalid:
      ++counts_.invalid_numbers;
      if (book_ != nullptr) book_->add(key, text);
      break;
  }
  text = {};
  return key;
}

void Positions::assign(model::EventBatch& batch, std::size_t first) {
  for (std::size_t i = first; i < batch.events.size(); ++i) {
    model::Event& event = batch.events[i];
    watermark_ = std::max(watermark_, event.time);
    event.position = ++last_;
    event.watermark = watermark_;
  }
}

Ingest::Ingest(Normaliser normaliser, Positions positions)
    : normaliser_(std::move(normaliser)), positions_(positions) {}

void Ingest::add(Orderer::Lane lane, model::EventBatch batch, std::vector<model::Reject>& rejects,
                 model::EventBatch& out) {
  normaliser_.run(batch, rejects);
  const std::size_t first = out.events.size();
  orderer_.add(lane, std::move(batch), out);
  positions_.assign(out, first);
}

void Ingest::set_idle(Orderer::Lane lane, bool idle, model::EventBatch& out) {
  const std::size_t first = out.events.size();
  orderer_.set_idle(lane, idle, out);
  positions_.assign(out, first);
}

void Ingest::advance(EventMs time, model::EventBatch& out) {
  const std::size_t first = out.events.size();
  orderer_.advance(time, out);
  positions_.assign(out, first);
}

void Ingest::flush(model::EventBatch& out) {
  const std::size_t first = out.events.size();
  orderer_.flush(out);
  positions_.assign(out, first);
}

OrderedInput::OrderedInput(PullRaw pull_raw, Normaliser& normaliser, std::chrono::milliseconds lateness,
                           std::function<void(std::vector<model::Reject>&)> take_rejects, std::uint64_t& late,
                           bool numbers_opaque)
    : pull_raw_(std::move(pull_raw)),
      normaliser_(normaliser),
      lane_(orderer_.add_lane(lateness)),
      take_rejects_(std::move(take_rejects)),
      late_(late),
      numbers_opaque_(numbers_opaque) {}

Result<bool> OrderedInput::pull(model::EventBatch& out) {
  model::EventBatch raw;
  rejects_.clear();
  TRY_ASSIGN(const bool more, pull_raw_(raw, rejects_));
  normaliser_.set_numbers_opaque(numbers_opaque_);
  normaliser_.run(raw, rejects_);
  const std::uint64_t late_before = orderer_.late();
  orderer_.add(lane_, std::move(raw), out);
  if (!more) orderer_.flush(out);
  late_ += orderer_.late() - late_before;
  if (!rejects_.empty() && take_rejects_) take_rejects_(rejects_);
  return more;
}

}  // namespace pandun::ingest
