// The live simulator: appends what the province does to files that the sources tail, like a carrier's own export.
//
// Pace     event time begins twelve hours before the first start (kept in DIR/start) and runs `speed` times as fast as wall time until
//          it has caught up; from then on it keeps pace with the clock, so that no record is ever dated ahead.
// Threads  run() on one thread.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/clock.h"
#include "province/province.h"
#include "sources/kit/source.h"

namespace pandun::server {

class Feed {
 public:
  static Result<std::unique_ptr<Feed>> open(platform::FileSystem& files, platform::Clock& clock,
                                            const std::string& directory, const province::Config& config, double speed);
  std::vector<sources::Input> inputs() const;
  Result<> run(std::stop_token stop);

 private:
  Feed(platform::Clock& clock, std::string directory, std::unique_ptr<province::LiveFeed> feed, double speed)
      : clock_(clock), directory_(std::move(directory)), feed_(std::move(feed)), speed_(speed) {}
  platform::Clock& clock_;
  std::string directory_;
  std::unique_ptr<province::LiveFeed> feed_;
  double speed_;
};

}  // namespace pandun::server
