#include "api/http/static_files.h"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace pandun::api::http {
namespace {

using namespace std::chrono_literals;

class StaticFilesTest : public ::testing::Test {
 protected:
  static std::string made_directory() {
    char name[] = "/tmp/pandun_static_XXXXXX";
    return ::mkdtemp(name);
  }
  StaticFilesTest() {
    EXPECT_TRUE(files_.make_directories(directory_ + "/site/assets").ok());
    put("secret.txt", "not below the site");
    put("site/index.html", "<html>one</html>");
    put("site/assets/app-1a2b3c4d.js", "let x = 1;");
    put("site/assets/app-1a2b3c4d.js.gz", "(compressed)");
    put("site/.hidden", "x");
  }
  ~StaticFilesTest() override {
    const std::string command = "rm -rf '" + directory_ + "'";
    EXPECT_EQ(::system(command.c_str()), 0);
  }
  void put(const std::string& name, std::string_view content) {
    EXPECT_TRUE(platform::replace_file(files_, directory_ + "/" + name, content).ok());
  }
  Response get(const std::string& path, std::vector<Header> headers = {}) {
    Request request;
    request.path = path;
    request.headers = std::move(headers);
    return site_.serve(request);
  }
  static std::string header(const Response& response, std::string_view name) {
    for (const Header& h : response.headers) {
      if (h.name == name) return h.value;
    }
    return {};
  }

  platform::FileSystem& files_ = platform::posix_files();
  platform::ManualClock clock_{WallMs{1'000'000'000}};
  std::string directory_ = made_directory();
  StaticFiles site_{files_, clock_, directory_ + "/site"};
};

TEST_F(StaticFilesTest, ServesFilesWithTypeCacheAndEtag) {
  const Response js = get("/assets/app-1a2b3c4d.js");
  EXPECT_EQ(js.status, 200);
  EXPECT_EQ(*js.shared_body, "let x = 1;");
  EXPECT_EQ(header(js, "Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_NE(header(js, "Cache-Control").find("immutable"), std::string::npos);
  const Response page = get("/index.html");
  EXPECT_EQ(header(page, "Cache-Control"), "no-cache");
  EXPECT_EQ(get("/index.html", {{"if-none-match", header(page, "ETag")}}).status, 304);
  EXPECT_EQ(get("/index.html", {{"if-none-match", "W/" + header(page, "ETag") + ", \"x\""}}).status, 304);
  EXPECT_EQ(get("/index.html", {{"if-none-match", "\"other\""}}).status, 200);
}

TEST_F(StaticFilesTest, SendsTheCompressedTwinToThoseWhoTakeIt) {
  const Response gzip = get("/assets/app-1a2b3c4d.js", {{"accept-encoding", "br, gzip;q=0.8"}});
  EXPECT_EQ(header(gzip, "Content-Encoding"), "gzip");
  EXPECT_EQ(header(gzip, "Vary"), "Accept-Encoding");
  EXPECT_EQ(*gzip.shared_body, "(compressed)");
  EXPECT_NE(header(gzip, "ETag"), header(get("/assets/app-1a2b3c4d.js"), "ETag"));
  EXPECT_EQ(header(get("/assets/app-1a2b3c4d.js", {{"accept-encoding", "gzip;q=0"}}), "Content-Encoding"), "");
  EXPECT_EQ(get("/assets/app-1a2b3c4d.js.gz").status, 404);
}

TEST_F(StaticFilesTest, PathsWithoutExtensionAreTheConsolesOwn) {
  EXPECT_EQ(*get("/").shared_body, "<html>one</html>");
  EXPECT_EQ(*get("/cases/C-1").shared_body, "<html>one</html>");
  EXPECT_EQ(get("/missing.js").status, 404);
}

TEST_F(StaticFilesTest, NothingElseOnTheDiskCanBeNamed) {
  for (const char* path :
       {"/../secret.txt", "/assets/../../secret.txt", "//etc/passwd.txt", "/.hidden.txt", "/site/index.html"}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
}

TEST_F(StaticFilesTest, SeesANewBuild) {
  EXPECT_EQ(*get("/").shared_body, "<html>one</html>");
  put("site/index.html", "<html>second</html>");
  EXPECT_EQ(*get("/").shared_body, "<html>one</html>");  // the disk is looked at once a second
  clock_.advance(1001ms);
  EXPECT_EQ(*get("/").shared_body, "<html>second</html>");
}

TEST(StaticFiles, AMissingDirectoryIsAnEmptySite) {
  platform::ManualClock clock(WallMs{0});
  StaticFiles none(platform::posix_files(), clock, "/nonexistent/console");
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.serve(Request{}).status, 404);
}

}  // namespace
}  // namespace pandun::api::http
