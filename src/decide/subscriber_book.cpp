#include "decide/subscriber_book.h"

#include <fmt/format.h>

#include <algorithm>

namespace pandun::decide {
namespace {

enum Kind : std::uint64_t { kCallee = 1, kMark = 2 };
constexpr std::size_t kFrameItems = 10'000;  // of a rewrite
constexpr std::uint64_t kRewriteMin = 10'000;

void encode(FrameText& out, const CalleeSettings& settings) {
  out.number(kCallee);
  out.number(settings.callee.bits());
  out.number(settings.choices);
  out.number(settings.blocked.size());
  for (const model::NumberKey number : settings.blocked) out.number(number.bits());
}

void encode(FrameText& out, model::NumberKey number, Label label) {
  out.number(kMark);
  out.number(number.bits());
  out.text(info(label).name);
}

}  // namespace

SubscriberBook::SubscriberBook(platform::FileSystem& files, std::string path, const platform::SealKey& key)
    : files_(files), path_(std::move(path)), key_(key.derive("decide:subscribers")) {}

Result<std::unique_ptr<SubscriberBook>> SubscriberBook::open(platform::FileSystem& files, std::string path,
                                                             const platform::SealKey& key) {
  std::unique_ptr<SubscriberBook> out(new SubscriberBook(files, std::move(path), key));
  TRY_ASSIGN(FrameWriter writer, FrameWriter::open(files, out->path_, out->key_, "subscribers"));
  out->writer_.emplace(std::move(writer));
  TRY(out->replay());
  return out;
}

Result<> SubscriberBook::replay() {
  auto reader = FrameReader::open(files_, path_, key_, "subscribers");
  if (!reader.ok()) return reader.error().code == Errc::kNotFound ? Result<>() : Result<>(reader.error());
  for (;;) {
    TRY_ASSIGN(const std::optional<FrameHead> head, reader->next());
    if (!head) return {};
    TRY_ASSIGN(const std::string bytes, reader->payload());
    FrameParse in(bytes);
    while (!in.empty()) {
      const std::uint64_t kind = in.number();
      if (kind == kCallee) {
        CalleeSettings settings;
        settings.callee = model::NumberKey::from_bits(in.number());
        settings.choices = static_cast<std::uint8_t>(in.number());
        const std::uint64_t count = in.number();
        for (std::uint64_t i = 0; i < count && !in.failed(); ++i)
          settings.blocked.push_back(model::NumberKey::from_bits(in.number()));
        apply(settings);
      } else {
        const model::NumberKey number = model::NumberKey::from_bits(in.number());
        apply({number, parse_label(in.text()).value_or(Label::kNone)});
      }
      if (in.failed() || (kind != kCallee && kind != kMark))
        return error(Errc::kCorrupt, path_, "a frame holds something unknown");
      ++stored_items_;
    }
  }
}

void SubscriberBook::apply(const CalleeSettings& settings) {
  if (settings.choices == 0 && settings.blocked.empty()) {
    callees_.erase(settings.callee.bits());
  } else {
    callees_[settings.callee.bits()] = settings;
  }
}

void SubscriberBook::apply(const NumberLabel& label) {
  if (label.label == Label::kNone) {
    labels_.erase(label.number.bits());
  } else {
    labels_[label.number.bits()] = label.label;
  }
}

Result<> SubscriberBook::write(std::string_view payload, std::size_t items) {
  if (!writer_) {  // a write failed before: what stands in the file is what counts
    TRY_ASSIGN(FrameWriter writer, FrameWriter::open(files_, path_, key_, "subscribers"));
    writer_.emplace(std::move(writer));
  }
  auto done = writer_->append(payload, 0, 0, static_cast<std::uint32_t>(items));
  if (done.ok()) done = writer_->sync();
  if (!done.ok()) {
    writer_.reset();
    return done;
  }
  stored_items_ += items;
  return {};
}

Result<> SubscriberBook::set_callees(const std::vector<CalleeSettings>& settings) {
  FrameText text;
  for (const CalleeSettings& item : settings) {
    if (!item.callee.known()) return error(Errc::kBadInput, "callee", "a number is needed");
    if (item.blocked.size() > kBlockedMax)
      return error(Errc::kTooLarge, "blocked", fmt::format("one number may block at most {} others", kBlockedMax));
    encode(text, item);
  }
  const std::scoped_lock lock(mutex_);
  TRY(write(text.bytes(), settings.size()));
  for (const CalleeSettings& item : settings) apply(item);
  return rewrite();
}

Result<> SubscriberBook::set_labels(const std::vector<NumberLabel>& labels) {
  FrameText text;
  for (const NumberLabel& item : labels) {
    if (!item.number.known()) return error(Errc::kBadInput, "number", "a number is needed");
    encode(text, item.number, item.label);
  }
  const std::scoped_lock lock(mutex_);
  TRY(write(text.bytes(), labels.size()));
  for (const NumberLabel& item : labels) apply(item);
  return rewrite();
}

// Written aside and renamed: a crash leaves the old file or the new one.
Result<> SubscriberBook::rewrite() {
  const std::uint64_t live = callees_.size() + labels_.size();
  if (stored_items_ < std::max(kRewriteMin, live * 4)) return {};
  const std::string aside = path_ + ".new";
  TRY_ASSIGN(auto fresh, files_.create(aside, 0600));
  fresh.reset();
  TRY_ASSIGN(FrameWriter writer, FrameWriter::open(files_, aside, key_, "subscribers"));
  FrameText text;
  std::size_t items = 0;
  const auto flush = [&]() -> Result<> {
    if (items == 0) return {};
    TRY(writer.append(text.bytes(), 0, 0, static_cast<std::uint32_t>(items)));
    text.clear();
    items = 0;
    return {};
  };
  for (const auto& [bits, settings] : callees_) {
    encode(text, settings);
    if (++items == kFrameItems) TRY(flush());
  }
  for (const auto& [bits, label] : labels_) {
    encode(text, model::NumberKey::from_bits(bits), label);
    if (++items == kFrameItems) TRY(flush());
  }
  TRY(flush());
  TRY(writer.sync());
  TRY(files_.rename(aside, path_));
  TRY(files_.sync_directory(platform::directory_of(path_)));
  writer_.emplace(std::move(writer));
  stored_items_ = live;
  return {};
}

CalleeSettings SubscriberBook::callee(model::NumberKey number) const {
  const std::scoped_lock lock(mutex_);
  const auto found = callees_.find(number.bits());
  return found == callees_.end() ? CalleeSettings{number, 0, {}} : found->second;
}

Label SubscriberBook::label(model::NumberKey number) const {
  const std::scoped_lock lock(mutex_);
  const auto found = labels_.find(number.bits());
  return found == labels_.end() ? Label::kNone : found->second;
}

void SubscriberBook::fill(SnapshotInput& input) const {
  const std::scoped_lock lock(mutex_);
  for (const auto& [bits, settings] : callees_) {
    if (settings.choices != 0) input.callee_choices.push_back({settings.callee, settings.choices});
    for (const model::NumberKey caller : settings.blocked) input.callee_blocks.push_back({settings.callee, caller});
  }
  for (const auto& [bits, label] : labels_) input.labels.push_back({model::NumberKey::from_bits(bits), label});
}

Desk::Totals SubscriberBook::totals() const {
  const std::scoped_lock lock(mutex_);
  return {callees_.size(), labels_.size()};
}

}  // namespace pandun::decide
