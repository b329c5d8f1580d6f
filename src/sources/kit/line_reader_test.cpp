#include "sources/kit/line_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "sources/kit/testing.h"

namespace pandun::sources {
namespace {

using Got = LineReader::Got;

std::vector<std::string> lines_of(const std::string& bytes, std::size_t line_max = 100, std::size_t block = 64,
                                  std::size_t read_max = SIZE_MAX) {
  testing::MemoryFiles files;
  files.read_max = read_max;
  files.write("a", bytes);
  LineReader reader(line_max, block);
  reader.attach(platform::InputFile::open(files, "a").value());
  std::vector<std::string> out;
  Line line;
  const auto keep = [&](Got got) {
    out.push_back(got == Got::kTooLong ? "<" + std::to_string(reader.line_offset()) + ">" : std::string(line.text));
  };
  for (;;) {
    const auto got = reader.next(line);
    EXPECT_TRUE(got.ok());
    if (!got || *got == Got::kNothing) break;
    keep(*got);
  }
  const auto got = reader.rest(line);
  if (got != Got::kNothing) keep(got);
  EXPECT_EQ(reader.next_offset(), bytes.size());
  if (reader.utf16()) out.push_back("utf16");
  return out;
}
using Lines = std::vector<std::string>;

TEST(LineReader, LineEndsOfAnyKind) {
  EXPECT_EQ(lines_of("a\nb\r\n\n\r\nc"), (Lines{"a", "b", "", "", "c"}));
  EXPECT_EQ(lines_of(""), Lines{});
  EXPECT_EQ(lines_of("\n"), Lines{""});
  EXPECT_EQ(lines_of("end\r"), Lines{"end"});
}

TEST(LineReader, ByteOrderMarks) {
  EXPECT_EQ(lines_of("\xef\xbb\xbfhead\nrow\n"), (Lines{"head", "row"}));
  EXPECT_EQ(lines_of("\xef\xbb\xbfhead\nrow\n", 100, 64, 1), (Lines{"head", "row"}));
  EXPECT_EQ(lines_of("\xff\xfe\x61").back(), "utf16");
}

TEST(LineReader, LongLinesAreToldAndPassedOver) {
  const std::string longer(5000, 'x');
  EXPECT_EQ(lines_of("a\n" + longer + "\nb\n"), (Lines{"a", "<2>", "b"}));
  EXPECT_EQ(lines_of("a\n" + longer), (Lines{"a", "<2>"}));
  EXPECT_EQ(lines_of(std::string(100, 'y') + "\n" + std::string(101, 'y') + "\nz"),
            (Lines{std::string(100, 'y'), "<101>", "z"}));
}

TEST(LineReader, AHundredMegabyteLineNeedsLittleMemory) {
  testing::MemoryFiles files;
  files.write("a", "first\n" + std::string(100'000'000, 'x') + "\nlast\n");
  LineReader reader;
  reader.attach(platform::InputFile::open(files, "a").value());
  Line line;
  EXPECT_EQ(reader.next(line).value(), Got::kLine);
  EXPECT_EQ(reader.next(line).value(), Got::kTooLong);
  EXPECT_LE(line.text.size(), 256U);
  EXPECT_LE(reader.buffer_bytes(), 4U * 1024 * 1024);
  EXPECT_EQ(reader.next(line).value(), Got::kLine);
  EXPECT_EQ(line.text, "last");
}

TEST(LineReader, TheSameLinesHoweverTheBytesArrive) {
  std::mt19937_64 random(21);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(random() % 600, ' ');
    for (char& c : bytes) c = "ab\n\r\0\xe4"[random() % 6];
    const auto whole = lines_of(bytes, 50, 4096);
    for (const std::size_t read_max : {std::size_t{1}, std::size_t{7}, std::size_t{64}})
      ASSERT_EQ(lines_of(bytes, 50, 1 + random() % 80, read_max), whole) << "round " << round;
  }
}

TEST(LineReader, SaysWhenABlockMayHoldNulOrForeignBytes) {
  testing::MemoryFiles files;
  files.write("a", std::string("x\0y\n", 4) + "中\n");
  LineReader reader;
  reader.attach(platform::InputFile::open(files, "a").value());
  Line line;
  ASSERT_EQ(reader.next(line).value(), Got::kLine);
  EXPECT_TRUE(line.maybe_nul);
  EXPECT_TRUE(line.maybe_not_ascii);
}

}  // namespace
}  // namespace pandun::sources
