// One JSON line of call progress reports, as text by key. json.cpp alone sees the JSON library.
#pragma once

#include <array>
#include <memory>
#include <string_view>

namespace pandun::sources::call_progress {

enum Column : std::size_t { kTime, kCall, kState, kCaller, kCallee, kSince, kRoute, kKind, kColumns };
using Values = std::array<std::string_view, kColumns>;  // empty where the record does not say

class JsonReader {
 public:
  JsonReader();
  ~JsonReader();
  // False: not one whole JSON object, or a value of ours that is neither text nor a number. 64 readable bytes stand behind the line.
  // The views live until the next call.
  bool read(std::string_view line, Values& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pandun::sources::call_progress
