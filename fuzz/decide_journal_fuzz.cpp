// The decider's own journals with any bytes in them: true files that were edited, whose heads are believed at first, and frames that
// are sealed as they should be and hold anything. Refused, or usable: what is written afterwards is found again. The first byte
// chooses.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/hash.h"
#include "decide/record_book.h"
#include "decide/subscriber_book.h"
#include "detect/testing/memory_files.h"

namespace {

using namespace pandun;
using namespace pandun::decide;

constexpr std::uint32_t kMagic = 0x31464450;
constexpr std::uint32_t kSecond = 1'795'395'600;  // 2026-11-23T01:00:00Z
constexpr const char* kBook = "/d/subscribers";

const platform::SealKey& key() {
  static const platform::SealKey kKey{std::array<unsigned char, 32>{7}};
  return kKey;
}

class NoNames final : public Pseudonyms {
 public:
  Shown show(model::NumberKey, WallMs) override { return {"n26-x", "+86*"}; }
};

// A book with a few frames, as the program writes it.
const std::string& true_book() {
  static const std::string kText = [] {
    detect::testing::MemoryFiles files;
    const auto book = SubscriberBook::open(files, kBook, key());
    CHECK(book.ok());
    CalleeSettings settings;
    settings.callee = model::NumberKey::e164(8613800138000);
    settings.choices = 1;
    settings.blocked = {model::NumberKey::e164(8613911112222)};
    CHECK((*book)->set_callees({settings}).ok());
    for (const std::uint64_t number : {8613700000001ULL, 8613700000002ULL})
      CHECK((*book)->set_labels({{model::NumberKey::e164(number), Label::kNone}}).ok());
    return files.content(kBook);
  }();
  return kText;
}

// Edits: where (2 bytes), how many bytes are cut, how many follow to be put there.
std::string edited(std::string file, std::string_view edits) {
  while (edits.size() >= 4) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(edits[i]); };
    const std::size_t at = std::min<std::size_t>(byte(0) * 256U + byte(1), file.size());
    const std::size_t put = std::min<std::size_t>(byte(3), edits.size() - 4);
    file.replace(at, byte(2), edits.substr(4, put));
    edits.remove_prefix(4 + put);
  }
  return file;
}

// Every head that is reached says that it is whole.
void mend_heads(std::string& file) {
  for (std::size_t at = 0; at + sizeof(FrameHead) <= file.size();) {
    FrameHead head;
    std::memcpy(&head, file.data() + at, sizeof head);
    head.check = hash64({reinterpret_cast<const char*>(&head), offsetof(FrameHead, check)}, kMagic);
    std::memcpy(file.data() + at, &head, sizeof head);
    if (head.bytes > file.size()) return;
    at += sizeof head + head.bytes;
  }
}

void use_book(detect::testing::MemoryFiles& files) {
  const model::NumberKey number = model::NumberKey::e164(8613600000000);
  {
    const auto book = SubscriberBook::open(files, kBook, key());
    if (!book.ok()) return;
    SnapshotInput input;
    (*book)->fill(input);
    (void)(*book)->totals();
    (void)(*book)->callee(number);
    CHECK((*book)->set_labels({{number, Label::kNone}}).ok());
    CalleeSettings settings;
    settings.callee = number;
    settings.choices = 2;
    CHECK((*book)->set_callees({settings}).ok());
  }
  const auto again = SubscriberBook::open(files, kBook, key());
  CHECK(again.ok() && (*again)->callee(number).choices == 2);
}

void sealed_frame(detect::testing::MemoryFiles& files, const std::string& path, const char* purpose,
                  const std::string& name, std::string_view payload) {
  auto writer = FrameWriter::open(files, path, key().derive(purpose), name);
  CHECK(writer.ok() && writer->append(payload, kSecond - 5, kSecond + 5, 1).ok() && writer->sync().ok());
}

void use_records(detect::testing::MemoryFiles& files) {
  NoNames names;
  RecordBook book(files, "/d", key(), names);
  for (const std::uint64_t id : {std::uint64_t{kSecond} << 32, (std::uint64_t{kSecond} << 32) + 1, std::uint64_t{0}}) {
    const auto found = book.find(id);
    if (found.ok()) CHECK(found->rates.size() == kMeasuredKinds && !rfc3339(found->at).empty());
  }
  CHECK(book.retain(WallMs{std::int64_t{kSecond} * 1000}, 30, 1).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  detect::testing::MemoryFiles files;
  switch (data[0]) {
    case 'p':
      sealed_frame(files, kBook, "decide:subscribers", "subscribers", text);
      use_book(files);
      break;
    case 'd':
      sealed_frame(files, "/d/2026-11-23.pdr", "decide:records", "2026-11-23.pdr", text);
      use_records(files);
      break;
    case 'r':
      files.set_content("/d/2026-11-23.pdr", std::string(text));
      use_records(files);
      break;
    default: {
      std::string file = edited(true_book(), text);
      if (data[0] % 2 == 1) mend_heads(file);
      files.set_content(kBook, std::move(file));
      use_book(files);
    }
  }
  return 0;
}
