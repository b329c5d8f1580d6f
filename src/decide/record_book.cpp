#include "decide/record_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "decide/decider.h"

namespace pandun::decide {
namespace {

constexpr int kFilesOfADay = 99;
enum Service : std::uint64_t { kCall, kMessage, kEnding };  // stored
constexpr std::string_view kSuffix = ".pdr";

std::uint32_t second_of(std::uint64_t id) {
  return static_cast<std::uint32_t>(id >> 32);
}
std::string day_of(std::uint32_t second) {
  return rfc3339(std::int64_t{second} * 1000).substr(0, 10);
}
std::string file_of(const std::string& day, int part) {
  return part == 1 ? fmt::format("{}{}", day, kSuffix) : fmt::format("{}-{}{}", day, part, kSuffix);
}

void put(FrameText& out, const Pseudonyms::Shown& number) {
  out.text(number.token);
  out.text(number.mask);
}
ShownNumber take_number(FrameParse& in) {
  ShownNumber out;
  out.token = in.text();
  out.mask = in.text();
  return out;
}

void encode(FrameText& out, const DecisionRecord& r, Pseudonyms& names) {
  out.number(r.id);
  out.number(static_cast<std::uint64_t>(r.at.ms));
  put(out, names.show(r.from, r.at));
  put(out, names.show(r.to, r.at));
  put(out, names.show(r.diverted_by, r.at));
  out.number(r.snapshot);
  for (const std::uint16_t rate : r.rates) out.number(rate);
  out.number(static_cast<std::uint64_t>(r.verdict));
  out.text(name(r.reason));
  out.number(static_cast<std::uint64_t>(r.direction));
  out.number(r.score);
  out.number(r.identity);
  out.number(r.diversions);
  out.number(r.ending ? kEnding : r.message ? kMessage : kCall);
  out.text(r.trunk);
  out.text(r.measure);
}

Explanation decode(FrameParse& in) {
  Explanation e;
  e.id = decision_id(in.number()).str();
  e.at = WallMs{static_cast<std::int64_t>(in.number())};
  e.from = take_number(in);
  e.to = take_number(in);
  e.diverted_by = take_number(in);
  e.snapshot = in.number();
  for (std::size_t i = 0; i < kMeasuredKinds; ++i) e.rates.push_back(static_cast<std::uint32_t>(in.number()));
  e.verdict = static_cast<Verdict>(std::min<std::uint64_t>(in.number(), 2));
  e.reason = parse_reason(in.text()).value_or(Reason::kClear);
  e.direction = name(static_cast<Direction>(std::min<std::uint64_t>(in.number(), 3)));
  e.score = static_cast<unsigned>(in.number());
  e.identity = static_cast<unsigned>(in.number());
  e.diversions = static_cast<unsigned>(in.number());
  const std::uint64_t service = in.number();
  e.service = service == kEnding ? "call_ending" : service == kMessage ? "message" : "call";
  e.trunk = in.text();
  e.measure = in.text();
  return e;
}

}  // namespace

RecordBook::RecordBook(platform::FileSystem& files, std::string directory, const platform::SealKey& key,
                       Pseudonyms& names)
    : files_(files), directory_(std::move(directory)), key_(key.derive("decide:records")), names_(names) {}

Result<> RecordBook::open_for(const std::string& day) {
  if (writer_ && day_ == day) return {};
  if (writer_) TRY(writer_->sync());
  writer_.reset();
  for (int part = 1;; ++part) {
    const std::string file = file_of(day, part);
    auto opened = FrameWriter::open(files_, platform::join(directory_, file), key_, file);
    if (opened.ok()) {
      writer_.emplace(std::move(*opened));
      day_ = day;
      path_ = platform::join(directory_, file);
      return {};
    }
    if (opened.error().code != Errc::kCorrupt || part == kFilesOfADay) return std::move(opened).error();
  }
}

Result<> RecordBook::add(const DecisionRecord& record) {
  const std::uint32_t second = second_of(record.id);
  if (frame_count_ == kFrameRecords || (frame_count_ != 0 && second / 86'400 != frame_first_ / 86'400)) TRY(flush());
  encode(frame_, record, names_);
  frame_first_ = frame_count_ == 0 ? second : std::min(frame_first_, second);
  frame_last_ = frame_count_ == 0 ? second : std::max(frame_last_, second);
  ++frame_count_;
  return {};
}

Result<> RecordBook::flush() {
  if (frame_count_ == 0) return {};
  auto done = open_for(day_of(frame_first_));
  if (done.ok()) done = writer_->append(frame_.bytes(), frame_first_, frame_last_, frame_count_);
  if (done.ok()) {
    written_ += frame_count_;
  } else {
    writer_.reset();
    lost_ += frame_count_;
  }
  frame_.clear();
  frame_count_ = 0;
  return done;
}

Result<> RecordBook::append(std::span<const DecisionRecord> records) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (auto done = add(records[i]); !done.ok()) {
      lost_ += records.size() - i;
      return done;
    }
  }
  return flush();
}

Result<> RecordBook::sync() {
  if (!writer_) return {};
  auto done = writer_->sync();
  if (!done.ok()) writer_.reset();
  return done;
}

Result<Explanation> RecordBook::find(std::uint64_t id) const {
  const std::string wanted = decision_id(id).str();
  const std::string day = day_of(second_of(id));
  std::optional<Error> damage;
  for (int part = 1; part <= kFilesOfADay; ++part) {
    const std::string file = file_of(day, part);
    auto reader = FrameReader::open(files_, platform::join(directory_, file), key_, file);
    if (!reader.ok() && reader.error().code == Errc::kNotFound) break;
    if (!reader.ok()) return std::move(reader).error();
    for (;;) {
      auto head = reader->next();
      if (!head.ok()) {
        damage = head.error();
        break;
      }
      if (!*head) break;
      if (second_of(id) < (*head)->first || second_of(id) > (*head)->last) continue;
      TRY_ASSIGN(const std::string bytes, reader->payload());
      FrameParse in(bytes);
      while (!in.empty()) {
        Explanation found = decode(in);
        if (in.failed()) return error(Errc::kCorrupt, file, "a frame ends within a decision");
        if (found.id == wanted) return found;
      }
    }
  }
  if (damage) return *damage;
  return error(Errc::kNotFound, wanted, "no such decision, or its day is no longer kept");
}

Result<> RecordBook::retain(WallMs now, std::int64_t days, std::uint64_t bytes_max) const {
  TRY_ASSIGN(const std::vector<std::string> names, files_.list(directory_));
  const std::string today = rfc3339(now).substr(0, 10);
  const std::string oldest = rfc3339(now.ms - days * 86'400'000).substr(0, 10);
  struct Day {
    std::string name;
    std::uint64_t bytes = 0;
  };
  std::vector<Day> kept;
  std::uint64_t total = 0;
  for (const std::string& name : names) {
    if (!name.ends_with(kSuffix) || name.size() < 14) continue;
    const std::string path = platform::join(directory_, name);
    if (name.substr(0, 10) < oldest) {
      TRY(files_.remove(path));
      continue;
    }
    TRY_ASSIGN(const platform::FileInfo info, files_.info(path));
    kept.push_back({name, info.size});
    total += info.size;
  }
  for (const Day& day : kept) {  // sorted by name: the oldest first
    if (total <= bytes_max || day.name.substr(0, 10) >= today) break;
    TRY(files_.remove(platform::join(directory_, day.name)));
    total -= day.bytes;
  }
  return {};
}

}  // namespace pandun::decide
