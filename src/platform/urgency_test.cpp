#include "platform/urgency.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <cstring>
#include <vector>

#include "platform/large_pages.h"
#include "platform/thread.h"

namespace pandun::platform {
namespace {

TEST(Urgency, ProcessorsAreReadOrRefused) {
  EXPECT_TRUE(parse_processors("").value().empty());
  EXPECT_EQ(parse_processors("2").value(), (std::vector<unsigned>{2}));
  EXPECT_EQ(parse_processors("0,4-6").value(), (std::vector<unsigned>{0, 4, 5, 6}));
  for (const char* bad : {"a", "1,", ",1", "3-1", "1-", "-1", "1 2", "99999", "1,,2", "4294967296"})
    EXPECT_EQ(parse_processors(bad).error().code, Errc::kBadConfig) << bad;
}

TEST(Urgency, AThreadIsKeptToItsProcessorsAndOthersAreNot) {
  int inside = 0, outside = 0;
  Thread thread = start_thread("urgent", [&](const std::stop_token&) {
    cpu_set_t before, after;
    sched_getaffinity(0, sizeof before, &before);
    unsigned first = 0;
    while (!CPU_ISSET(first, &before)) ++first;
    EXPECT_TRUE(make_urgent({0, {first}}).ok());
    sched_getaffinity(0, sizeof after, &after);
    inside = CPU_COUNT(&after);
  });
  thread.join();
  cpu_set_t mine;
  sched_getaffinity(0, sizeof mine, &mine);
  outside = CPU_COUNT(&mine);
  EXPECT_EQ(inside, 1);
  EXPECT_GE(outside, inside);
}

TEST(Urgency, RealTimeIsGrantedOrRefusedWithAReason) {
  Thread thread = start_thread("urgent", [&](const std::stop_token&) {
    const auto done = make_urgent({3, {}});
    if (done.ok())
      EXPECT_EQ(sched_getscheduler(0), SCHED_RR);
    else
      EXPECT_NE(done.error().text().find("CAP_SYS_NICE"), std::string::npos);
  });
  thread.join();
  EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
}

TEST(LargePages, WhatStoodInTheTableStays) {
  std::vector<unsigned> table(3U << 20);
  for (unsigned i = 0; i < table.size(); ++i) table[i] = i;
  prefer_large_pages(table.data(), table.size() * sizeof(unsigned));
  prefer_large_pages(table.data(), 10);
  for (unsigned i = 0; i < table.size(); ++i) ASSERT_EQ(table[i], i);
}

}  // namespace
}  // namespace pandun::platform
