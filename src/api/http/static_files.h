// The console's files, read once and held in memory; read again when index.html changes.
//
// Safety   only names found by listing the directory are ever served, so no request can name another file.
// Shape    "x.js.gz" beside "x.js" is sent to those who take gzip. Files whose name carries a content hash ("app-1a2b3c4d.js")
//          are immutable for a year; everything else is asked for again with its ETag.
// Errors   a missing directory is an empty site: every path is 404. Files over 32 MiB are left out.
// Threads  thread-safe; answers from an immutable snapshot, and looks at the disk at most once a second.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "api/http/message.h"
#include "platform/clock.h"
#include "platform/file_system.h"

namespace pandun::api::http {

class StaticFiles {
 public:
  StaticFiles(platform::FileSystem& files, platform::Clock& clock, std::string directory);
  // Paths without an extension that are not found get index.html: the console routes them itself.
  Response serve(const Request& request);
  bool empty();

 private:
  struct File {
    std::shared_ptr<const std::string> plain, gzip;
    std::string etag, type;
    bool immutable = false;
  };
  using Site = std::map<std::string, File, std::less<>>;

  std::shared_ptr<const Site> site();
  std::shared_ptr<const Site> read_all() const;
  void read_directory(const std::string& directory, const std::string& prefix, int depth, Site& out) const;

  platform::FileSystem& files_;
  platform::Clock& clock_;
  std::string directory_;
  std::mutex mutex_;
  std::shared_ptr<const Site> site_;
  std::string stamp_;
  std::chrono::nanoseconds looked_at_{0};
};

}  // namespace pandun::api::http
