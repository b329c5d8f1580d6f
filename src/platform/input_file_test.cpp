#include "platform/input_file.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace pandun::platform {
namespace {

std::string gzip(const std::string& bytes) {
  z_stream zip{};
  deflateInit2(&zip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string in = bytes, out(deflateBound(&zip, static_cast<uLong>(in.size())) + 64, '\0');
  zip.next_in = reinterpret_cast<Bytef*>(in.data());
  zip.avail_in = static_cast<uInt>(in.size());
  zip.next_out = reinterpret_cast<Bytef*>(out.data());
  zip.avail_out = static_cast<uInt>(out.size());
  deflate(&zip, Z_FINISH);
  out.resize(zip.total_out);
  deflateEnd(&zip);
  return out;
}

class InputFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("pandun_input_file_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string put(const std::string& name, const std::string& bytes) {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  static std::string all(InputFile& file, std::size_t room = 37) {
    std::string out, part(room, '\0');
    for (;;) {
      const auto got = file.read(part.data(), part.size());
      EXPECT_TRUE(got.ok());
      if (!got || *got == 0) return out;
      out.append(part, 0, *got);
    }
  }
  std::unique_ptr<InputFile> open(const std::string& path) { return InputFile::open(posix_files(), path).value(); }

  std::filesystem::path folder_;
};

std::string noise(std::size_t size) {
  std::mt19937_64 random(7);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>('a' + random() % 26);
  return out;
}

TEST_F(InputFileTest, PlainAndGzipGiveTheSameBytes) {
  const std::string text = noise(200'000);
  const auto plain = open(put("a.log", text)), zipped = open(put("a.log.gz", gzip(text)));
  EXPECT_EQ(all(*plain, 4096), text);
  EXPECT_EQ(all(*zipped, 4096), text);
  EXPECT_FALSE(plain->compressed());
  EXPECT_TRUE(zipped->compressed());
  EXPECT_EQ(zipped->damage(), "");
}

TEST_F(InputFileTest, GzipMembersAreJoinedAndPaddingIsIgnored) {
  const auto file = open(put("a.gz", gzip("one ") + gzip("") + gzip("two") + std::string(512, '\0')));
  EXPECT_EQ(all(*file), "one two");
  EXPECT_EQ(file->damage(), "");
}

TEST_F(InputFileTest, GzipIsKnownByContentNotByName) {
  EXPECT_EQ(all(*open(put("a.log", gzip("hidden")))), "hidden");
  const auto liar = open(put("b.gz", "plain text"));
  EXPECT_EQ(all(*liar), "");
  EXPECT_NE(liar->damage(), "");
}

TEST_F(InputFileTest, EveryCutOfAGzipFileGivesAPrefixAndSaysSo) {
  const std::string text = noise(3000), zipped = gzip(text);
  for (std::size_t cut = 0; cut < zipped.size(); cut += 13) {
    const auto file = open(put("cut.gz", zipped.substr(0, cut)));
    const std::string got = all(*file);
    EXPECT_EQ(got, text.substr(0, got.size())) << "cut at " << cut;
    EXPECT_NE(file->damage(), "") << "cut at " << cut;
  }
}

TEST_F(InputFileTest, CorruptGzipKeepsWhatCameBeforeAndNamesThePlace) {
  const std::string text = noise(400'000);
  std::string zipped = gzip(text);
  for (std::size_t i = zipped.size() / 2; i < zipped.size() / 2 + 64; ++i) zipped[i] = static_cast<char>(~zipped[i]);
  const auto file = open(put("a.gz", zipped));
  const std::string got = all(*file, 8192);
  EXPECT_GT(got.size(), 10'000U);
  EXPECT_NE(file->damage().find("compressed byte"), std::string::npos);
  EXPECT_NE(open(put("b.gz", gzip("fine") + "rubbish"))->read(zipped.data(), 100).value(), 0U);
}

TEST_F(InputFileTest, SkipsToAnOffsetInBothForms) {
  const std::string text = noise(100'000);
  for (const std::string& path : {put("a.log", text), put("a.gz", gzip(text))}) {
    const auto file = open(path);
    ASSERT_TRUE(file->skip_to(99'990).value());
    EXPECT_EQ(file->offset(), 99'990U);
    EXPECT_EQ(all(*file), text.substr(99'990));
    EXPECT_FALSE(open(path)->skip_to(100'001).value());
  }
}

TEST_F(InputFileTest, AGrowingFileGivesItsNewBytes) {
  const std::string path = put("a.log", "");
  const auto file = open(path);
  EXPECT_EQ(all(*file), "");
  for (const char* part : {"x", "yz", "more"}) {
    std::ofstream(path, std::ios::app) << part;
    std::string got(16, '\0');
    got.resize(file->read(got.data(), got.size()).value());
    EXPECT_EQ(got, part);
  }
}

TEST_F(InputFileTest, AMissingFileIsNotFound) {
  const auto file = InputFile::open(posix_files(), folder_ / "none");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace pandun::platform
