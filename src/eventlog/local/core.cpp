#include "eventlog/local/core.h"

#include <algorithm>

#include "model/event_codec.h"

namespace pandun::eventlog {

std::vector<SourceProgress> Core::progress_list() const {
  std::vector<SourceProgress> out;
  out.reserve(progress.size());
  for (const auto& [source, text] : progress) out.push_back({source, text});
  return out;
}

void Core::count_lost(std::uint64_t sequence, LostRange range) {
  const std::scoped_lock lock(mutex);
  const auto covers = [&](const LostRange& known) {
    return known.first_position <= range.first_position &&
           range.first_position + range.events <= known.first_position + known.events;
  };
  if (range.events != 0 && std::any_of(stats.lost.begin(), stats.lost.end(), covers)) return;
  const auto [it, fresh] = lost_at.try_emplace({sequence, range.offset}, stats.lost.size());
  if (fresh) {
    stats.lost_events += range.events;
    stats.lost.push_back(std::move(range));
  } else if (LostRange& known = stats.lost[it->second]; known.events == 0) {
    known.first_position = range.first_position;
    known.events = range.events;
    stats.lost_events += range.events;
  }
}

Result<> Core::append(const model::EventBatch& batch, const std::vector<SourceProgress>& sources) {
  if (batch.events.empty() && sources.empty()) return {};
  std::string clear;
  append_progress(clear, sources);
  model::encode(batch, clear);
  if (clear.size() > options.record_bytes_max)
    return error(
        Errc::kTooLarge, options.directory,
        "a batch of " + std::to_string(clear.size()) + " bytes is over record_bytes_max; send smaller batches");
  for (std::size_t i = 1; i < batch.events.size(); ++i)
    if (batch.events[i].position != batch.events[0].position + i)
      return error(Errc::kUsage, options.directory, "the positions of a batch must follow one another");

  Pending mine;
  mine.record.clear = clear;
  mine.record.events = static_cast<std::uint32_t>(batch.events.size());
  mine.progress = &sources;

  std::unique_lock lock(mutex);
  if (!batch.events.empty()) {
    const std::uint64_t first = batch.events.front().position;
    turned.wait_for(lock, options.gap_wait, [&] { return closed || refusal || first <= staged_next; });
    if (!refusal && !closed && first != staged_next)
      return error(
          Errc::kConflict, options.directory,
          "position " + std::to_string(first) + " does not follow: the next is " + std::to_string(staged_next));
  }
  if (closed) return error(Errc::kUnavailable, options.directory, "the log is closed");
  if (refusal) return *refusal;
  mine.record.first_position = staged_next;
  // Without events of its own a record carries on the watermark in front of it; the leader fills it in.
  mine.record.watermark = batch.events.empty() ? 0 : batch.events.back().watermark.ms;
  staged_next += mine.record.events;
  queue.push_back(&mine);
  turned.notify_all();
  while (!mine.done) {
    if (leading) {
      turned.wait(lock);
    } else {
      lead(lock);
    }
  }
  return mine.result;
}

void Core::lead(std::unique_lock<std::mutex>& lock) {
  leading = true;
  std::vector<Pending*> group;
  std::uint64_t bytes = 0;
  while (!queue.empty() && (group.empty() || bytes + queue.front()->record.clear.size() <= options.group_bytes_max)) {
    bytes += queue.front()->record.clear.size();
    group.push_back(queue.front());
    queue.pop_front();
  }
  std::int64_t mark = watermark;
  for (Pending* pending : group) {
    if (pending->record.events == 0) pending->record.watermark = mark;
    mark = pending->record.watermark;
  }
  lock.unlock();
  auto failed = write(group);
  lock.lock();
  if (failed) {
    // What was staged behind cannot stand without what is in front of it.
    group.insert(group.end(), queue.begin(), queue.end());
    queue.clear();
    staged_next = last_position + 1;
    if (!failed->retryable) refusal = *failed;
    stats.refusing = refusal.has_value();
    for (Pending* pending : group) pending->result = *failed;
  } else {
    for (const Pending* pending : group) {
      last_position += pending->record.events;
      for (const SourceProgress& p : *pending->progress) progress[p.source] = p.progress;
      stats.appended_events += pending->record.events;
    }
    watermark = mark;
    stats.appended_records += group.size();
    ++stats.groups;
    segments.back().limit = writer->segment().limit;
    published.notify_all();
  }
  for (Pending* pending : group) pending->done = true;
  leading = false;
  turned.notify_all();
}

std::optional<Error> Core::write(const std::vector<Pending*>& group) {
  if (!writer->untouched() && writer->segment().limit >= options.segment_bytes) {
    if (auto rotated = rotate(); !rotated.ok()) return std::move(rotated).error();
  }
  std::vector<Outgoing> records;
  records.reserve(group.size());
  for (const Pending* pending : group) records.push_back(pending->record);
  const auto failure = writer->append_group(records, options.sync == SyncPolicy::kEveryGroup);
  if (failure == nullptr) return {};
  const std::string advice = failure->kept_nothing ? "; nothing of it was kept, try again when there is room"
                                                   : "; the log refuses appends until it is opened again";
  return error(Errc::kIo, failure->error.where, failure->error.message + advice, failure->kept_nothing);
}

Result<> Core::rotate() {
  if (auto synced = writer->sync(); !synced.ok())
    return error(Errc::kIo, synced.error().where, synced.error().message, false);
  std::vector<SourceProgress> sources;
  std::uint64_t next = 0;
  std::int64_t mark = 0;
  {
    const std::scoped_lock lock(mutex);
    sources = progress_list();
    next = last_position + 1;
    mark = watermark;
  }
  const SegmentHeader& before = writer->segment().header;
  TRY_ASSIGN(auto fresh,
             SegmentWriter::create(files, clock, key, options.directory,
                                   {before.sequence + 1, next, writer->segment().limit, mark, sources, {}}));
  {
    std::unique_lock lock(mutex);
    writer = std::move(fresh);
    segments.push_back(writer->segment());
    (void)retire(lock);  // what cannot be removed now stays listed, and is tried again at the next segment
  }
  return {};
}

Result<> Core::commit(const std::string& consumer, std::uint64_t position) {
  if (!consumer_name_ok(consumer))
    return error(Errc::kUsage, consumer, "a consumer's name has 1 to 64 characters of a-z, 0-9, '_' and '-'");
  std::unique_lock lock(mutex);
  if (position > last_position)
    return error(Errc::kUsage, consumer, "position " + std::to_string(position) + " is not in the log yet");
  turned.wait(lock, [&] { return !committing; });
  if (const auto it = consumers.find(consumer); it != consumers.end() && it->second == position) return {};
  committing = true;
  if (options.sync == SyncPolicy::kNever) {
    // Taken events must not be lost again, or their positions would come twice.
    if (auto synced = sync_as_leader(lock); !synced.ok()) {
      committing = false;
      turned.notify_all();
      return synced;
    }
  }
  Consumers after = consumers;
  after[consumer] = position;
  lock.unlock();
  auto written = write_consumers(files, consumers_path(), after);
  lock.lock();
  if (written.ok()) consumers = std::move(after);
  committing = false;
  turned.notify_all();
  return written;
}

Result<> Core::sync_as_leader(std::unique_lock<std::mutex>& lock) {
  turned.wait(lock, [&] { return !leading; });
  if (refusal) return *refusal;
  leading = true;
  lock.unlock();
  auto synced = writer->sync();
  lock.lock();
  if (!synced.ok()) refusal = error(Errc::kIo, synced.error().where, synced.error().message, false);
  stats.refusing = refusal.has_value();
  leading = false;
  turned.notify_all();
  return synced;
}

// How many of the oldest segments the bounds want gone, whoever may need them.
std::size_t Core::over_bounds() const {
  std::uint64_t bytes = 0;
  for (const Segment& segment : segments) bytes += segment.limit;
  const std::int64_t now = clock.wall().ms;
  std::size_t over = 0;
  for (; over + 1 < segments.size(); ++over) {
    const bool too_much = options.retention_bytes != 0 && bytes > options.retention_bytes;
    const std::int64_t newest_ms = segments[over + 1].header.created_ms;
    const bool too_old = options.retention_age.count() != 0 && now - newest_ms > options.retention_age.count();
    if (!too_much && !too_old) break;
    bytes -= segments[over].limit;
  }
  return over;
}

Result<> Core::retire(std::unique_lock<std::mutex>& lock) {
  stats.held_segments = 0;
  while (const std::size_t over = over_bounds()) {
    const std::string oldest = segments.front().path;
    const std::uint64_t first = segments.front().header.first_position;
    const std::uint64_t behind = segments[1].header.first_position;  // its last position + 1
    std::uint64_t taken = ~0ULL;
    for (const auto& [name, position] : consumers) taken = std::min(taken, position);
    const std::uint64_t needed = taken >= behind - 1 ? 0 : behind - std::max(first, taken + 1);
    if (needed != 0 && !options.retention_forced) {
      stats.held_segments = over;
      return {};
    }
    lock.unlock();
    // One after the other, so that a power cut can only ever leave a gap in front of the oldest.
    auto removed = files.remove(oldest);
    if (!removed.ok() && removed.error().code == Errc::kNotFound) removed = Result<>();
    if (removed.ok()) removed = files.sync_directory(options.directory);
    lock.lock();
    if (!removed.ok()) return removed;
    segments.pop_front();
    ++stats.retired_segments;
    stats.retired_events += behind - first;
    stats.forced_events += needed;
  }
  return {};
}

Result<> Core::enforce_retention() {
  std::unique_lock lock(mutex);
  turned.wait(lock, [&] { return !leading; });
  leading = true;
  auto retired = retire(lock);
  leading = false;
  turned.notify_all();
  return retired;
}

void Core::close() {
  std::unique_lock lock(mutex);
  closed = true;
  turned.notify_all();
  published.notify_all();
  turned.wait(lock, [&] { return !leading && !committing && queue.empty(); });
  if (writer != nullptr && !refusal) writer->close_cleanly();
  writer.reset();
}

}  // namespace pandun::eventlog
