#include "server/archive_loop.h"

#include "platform/thread.h"

namespace pandun::server {
namespace {

constexpr const char* kArchiveConsumer = "archive";
constexpr std::chrono::milliseconds kArchiveWait{500};
constexpr std::chrono::seconds kFlushWhenQuiet{
    60};  // a part is written at the latest so long after its first event came
constexpr std::chrono::seconds kTryAgain{30};

}  // namespace

// Tokens change with the year of the event; a log record hardly ever spans two.
class ArchiveLoop::Tokens final : public eventlog::Tokenizer {
 public:
  Tokens(const guard::NumberTokens& tokens, const registry::NumberingPlan& plan) : tokens_(tokens), notes_(plan) {}
  void at(EventMs time) { year_ = guard::year_of(time); }
  std::string number_token(model::NumberKey number) override { return tokens_.number(number, year_); }
  std::string number_note(model::NumberKey number) override { return notes_.note(number); }
  std::string device_token(std::string_view device) override { return tokens_.device(device, year_); }

 private:
  const guard::NumberTokens& tokens_;
  PlanNotes notes_;
  int year_ = 1970;
};

ArchiveLoop::ArchiveLoop(platform::FileSystem& files, platform::Clock& clock, eventlog::Log& log,
                         const guard::NumberTokens& tokens, const registry::NumberingPlan& plan,
                         ArchiveLoopOptions options)
    : files_(files),
      clock_(clock),
      log_(log),
      options_(std::move(options)),
      tokens_(std::make_unique<Tokens>(tokens, plan)) {}

ArchiveLoop::~ArchiveLoop() = default;

Result<> ArchiveLoop::settle(eventlog::ArchiveWriter& writer) {
  TRY(writer.flush());
  TRY(log_.commit(kArchiveConsumer, writer.durable_position()));
  const EventMs before{clock_.wall().ms - std::chrono::milliseconds(options_.retention).count()};
  TRY(eventlog::retire_archive_days(files_, options_.directory, before));
  const eventlog::ArchiveStats stats = writer.stats();
  const std::scoped_lock lock(mutex_);
  figures_ = {writer.durable_position(), stats.rows, stats.parts, stats.bytes, {}};
  return {};
}

Result<> ArchiveLoop::follow(std::stop_token stop) {
  eventlog::ArchiveOptions options;
  options.directory = options_.directory;
  options.rows_per_part = options_.rows_per_part;
  TRY_ASSIGN(const auto writer, eventlog::open_archive_writer(files_, *tokens_, options));
  const std::uint64_t next = std::max(log_.committed(kArchiveConsumer) + 1, log_.first_position());
  TRY_ASSIGN(const auto reader, log_.read_from(next));
  auto settled = clock_.steady();
  bool staged = false;
  while (!stop.stop_requested()) {
    eventlog::Record record;
    TRY_ASSIGN(const bool more, reader->next(record, kArchiveWait));
    if (more && !record.batch.events.empty()) {
      tokens_->at(record.batch.events.front().time);
      TRY(writer->write(record));
      staged = true;
    }
    if (staged && clock_.steady() - settled > kFlushWhenQuiet) {
      TRY(settle(*writer));
      settled = clock_.steady();
      staged = false;
    }
  }
  return staged ? settle(*writer) : Result<>{};
}

void ArchiveLoop::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    auto followed = follow(stop);
    if (followed.ok()) return;
    {
      const std::scoped_lock lock(mutex_);
      figures_.fault = followed.error().text();
    }
    platform::pause(stop, kTryAgain);
  }
}

ArchiveFigures ArchiveLoop::figures() const {
  const std::scoped_lock lock(mutex_);
  return figures_;
}

Result<api::ArchiveAnswer> ArchiveLoop::query(const api::ArchiveQuery& query) {
  eventlog::ArchiveQuery inner;
  if (!query.kind.empty()) {
    for (std::size_t kind = 0; kind < model::kEventKinds; ++kind)
      if (model::name(static_cast<model::EventKind>(kind)) == query.kind)
        inner.kind = static_cast<model::EventKind>(kind);
    if (!inner.kind) return error(Errc::kUsage, "kind", query.kind + " is not a kind of event");
  }
  inner.entity = query.entity;
  if (query.entity.size() > 4 && (query.entity[0] == 'n' || query.entity[0] == 'd') && query.entity[3] == '-')
    inner.entity_kind = eventlog::ArchiveEntity::kToken;
  else if (model::IpAddress::parse(query.entity))
    inner.entity_kind = eventlog::ArchiveEntity::kIp;
  else if (!query.entity.empty())
    inner.entity_kind = eventlog::ArchiveEntity::kDomain;
  inner.from = query.from.value_or(EventMs{0});
  inner.to = query.to.value_or(EventMs{4'102'444'800'000});
  inner.limit = query.limit;

  const std::scoped_lock lock(reader_mutex_);
  if (reader_ == nullptr) {
    eventlog::ArchiveOptions options;
    options.directory = options_.directory;
    TRY_ASSIGN(reader_, eventlog::open_archive_reader(files_, options));
  }
  TRY_ASSIGN(const eventlog::ArchiveAnswer found, reader_->query(inner));
  api::ArchiveAnswer out;
  out.truncated = found.more;
  for (const eventlog::ArchiveRow& row : found.rows) {
    api::ArchiveEvent event;
    event.time = row.time;
    event.kind = model::name(row.kind);
    event.position = row.position;
    for (const eventlog::ArchiveField& field : row.fields) {
      if (field.null || field.name == "time" || field.name == "position") continue;
      if (field.name == "source")
        event.source = field.text;
      else
        event.fields.emplace_back(std::string(field.name), field.text);
    }
    out.events.push_back(std::move(event));
  }
  return out;
}

}  // namespace pandun::server
