#include "server/detect_loop.h"

#include "platform/thread.h"

namespace pandun::server {
namespace {

constexpr const char* kDetectConsumer = "detect";
constexpr std::chrono::milliseconds kDetectWait{100};
constexpr std::chrono::milliseconds kPublishEvery{500};
constexpr std::chrono::milliseconds kHandOverWithin{250};
constexpr std::chrono::seconds kLookForRules{3};
constexpr std::size_t kSignalsAtOnce = 500;

}  // namespace

DetectLoop::DetectLoop(platform::FileSystem& files, platform::Clock& clock, const platform::SealKey& key,
                       eventlog::Log& log, casework::CaseDesk& desk, RuleBook& rules, DetectLoopOptions options,
                       OnReport on_report)
    : files_(files),
      clock_(clock),
      key_(key),
      log_(log),
      desk_(desk),
      rules_(rules),
      options_(std::move(options)),
      on_report_(std::move(on_report)) {}

DetectLoop::~DetectLoop() = default;

Result<> DetectLoop::open(detect::EngineConfig config) {
  TRY(files_.make_directories(options_.checkpoint_directory));
  engine_ = std::make_unique<detect::Engine>(std::move(config), *this);
  TRY_ASSIGN(const detect::LoadReport loaded, engine_->load(files_, options_.checkpoint_directory, &key_));
  if (loaded.position > log_.last_position())
    return error(Errc::kCorrupt, options_.checkpoint_directory,
                 "stands ahead of the event log: the log was replaced or lost its end; restore both together");
  for (const std::string& reason : loaded.refused) running_.fault = reason;
  for (const RuleBook::Change& change : rules_.from(loaded.position))
    engine_->set_rules(change.rules, std::max(change.position, loaded.position + 1));
  std::uint64_t next = loaded.position + 1;
  if (log_.first_position() > next)
    next = log_.first_position();  // retention never passes the committed position; an empty state is newer
  TRY_ASSIGN(reader_, log_.read_from(next));
  TRY_ASSIGN(handed_, desk_.position(kDetectConsumer));
  done_ = checkpointed_ = loaded.position;
  running_.position = running_.checkpoint_position = loaded.position;
  const auto now = clock_.steady();
  checkpoint_time_ = look_time_ = publish_time_ = hand_time_ = now;
  publish();
  return {};
}

void DetectLoop::take(std::vector<model::Signal>&& signals, std::uint64_t done_position) {
  running_.signals += signals.size();
  for (model::Signal& signal : signals) {
    const bool aside = options_.aside != nullptr && options_.aside(signal.detector);
    // Made again after a restart: whoever was to hear of it has.
    if (aside && signal.position <= handed_) continue;
    (aside ? aside_ : waiting_).push_back(std::move(signal));
  }
  done_ = std::max(done_, done_position);
}

// Gives casework what is waiting. False: asked to stop before the store took it.
bool DetectLoop::hand_over(std::stop_token stop, bool force) {
  if (waiting_.empty() && aside_.empty() && !force) return true;
  while (true) {
    auto report = desk_.ingest_signals(waiting_, kDetectConsumer, done_);
    if (report.ok()) {
      handed_ = std::max(handed_, done_);
      hand_time_ = clock_.steady();
      fault({});
      if (on_report_ && !(report->new_alerts.empty() && report->changed_alerts.empty() &&
                          report->changed_cases.empty() && aside_.empty()))
        on_report_({*report, waiting_, aside_});
      waiting_.clear();
      aside_.clear();
      return true;
    }
    fault(report.error().text());
    if (!platform::pause(stop, std::chrono::seconds(1))) return false;
  }
}

void DetectLoop::checkpoint(std::stop_token stop) {
  engine_->drain();
  if (!hand_over(stop, true)) return;
  checkpoint_time_ = clock_.steady();
  auto saved = engine_->save(files_, options_.checkpoint_directory, &key_);
  if (!saved.ok())
    return fault(saved.error().text());  // the one before stays in force; more of the log is read after a restart
  checkpointed_ = saved->position;
  running_.checkpoint_at = clock_.wall();
  running_.checkpoint_position = saved->position;
  running_.checkpoint_bytes = saved->bytes;
  if (auto committed = log_.commit(kDetectConsumer, saved->position); !committed.ok()) fault(committed.error().text());
}

void DetectLoop::maintain(std::stop_token stop) {
  const auto now = clock_.steady();
  if (waiting_.size() >= kSignalsAtOnce || now - hand_time_ > kHandOverWithin) hand_over(stop, false);
  const bool behind = engine_->position() > checkpointed_;
  if (engine_->position() - checkpointed_ >= options_.checkpoint_events ||
      (behind && now - checkpoint_time_ > options_.checkpoint_every))
    checkpoint(stop);
  if (now - look_time_ > kLookForRules) {
    look_time_ = now;
    if (options_.look)
      if (auto looked = options_.look(engine_->position() + 1); !looked.ok()) fault(looked.error().text());
    auto changed = rules_.look(engine_->position() + 1);
    if (!changed.ok())
      fault(changed.error().text());
    else if (*changed) {
      engine_->set_rules(rules_.newest().rules, rules_.newest().position);
      if (options_.on_rules) options_.on_rules(*rules_.newest().rules);
    }
  }
  std::optional<detect::Ports> ports;
  {
    const std::scoped_lock lock(mutex_);
    ports.swap(new_ports_);
  }
  if (ports) engine_->set_ports(*ports);
  if (now - publish_time_ > kPublishEvery) publish();
}

void DetectLoop::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    auto record = std::make_shared<eventlog::Record>();
    auto more = reader_->next(*record, kDetectWait);
    if (!more.ok()) {
      fault(more.error().text());
      publish();
      if (!more.error().retryable || !platform::pause(stop, std::chrono::seconds(1))) break;
      continue;
    }
    if (*more) {
      running_.events += record->batch.events.size();
      if (!record->batch.events.empty()) running_.watermark = record->batch.events.back().watermark;
      engine_->process(std::shared_ptr<const model::EventBatch>(record, &record->batch));
    } else {
      engine_->drain();
    }
    maintain(stop);
  }
  checkpoint(stop);
  engine_->finish();
  publish();
}

void DetectLoop::fault(std::string text) {
  const std::scoped_lock lock(mutex_);
  running_.fault = text;
  published_.fault = std::move(text);
}

void DetectLoop::set_ports(detect::Ports ports) {
  const std::scoped_lock lock(mutex_);
  new_ports_ = ports;
}

void DetectLoop::publish() {
  publish_time_ = clock_.steady();
  DetectFigures now = running_;
  now.engine = engine_->stats();
  now.position = engine_->position();
  auto rules = rules_.newest().rules;
  now.lag = log_.last_position() - std::min(log_.last_position(), now.position);
  const std::scoped_lock lock(mutex_);
  published_ = std::move(now);
  rules_in_force_ = std::move(rules);
}

std::shared_ptr<const detect::RuleSet> DetectLoop::rules() const {
  const std::scoped_lock lock(mutex_);
  return rules_in_force_;
}

DetectFigures DetectLoop::figures() const {
  const std::scoped_lock lock(mutex_);
  return published_;
}

}  // namespace pandun::server
