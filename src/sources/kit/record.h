// What every decoder does with a record: count it, refuse it, or add its event.
//
// Safety   excerpts hold at most 160 printable bytes, and every run of 5 or more digits in them is masked.
// Threads  free functions on their arguments only.
#pragma once

#include <string>
#include <string_view>

#include "model/event.h"
#include "sources/kit/source.h"

namespace pandun::sources {

inline constexpr std::size_t kExcerptBytes = 160;

// "138********" for a run of 5 or more digits; unprintable bytes and broken UTF-8 become '.'.
std::string excerpt_of(std::string_view text);

// The record must have been counted in `records` already.
void reject(DecodeSink& sink, std::uint64_t record, model::RejectReason reason, std::string detail,
            std::string_view text);
void unread(DecodeSink& sink, std::string_view log_name);

// A new event with its payload's defaults, to be filled in place. Take it back with `sink.batch->events.pop_back()`.
template <typename Payload>
Payload& add_event(DecodeSink& sink, std::uint64_t record, EventMs time) {
  auto& events = sink.batch->events;
  if (events.capacity() == 0) events.reserve(1024);  // a batch of replay; growing from one copies each event twice
  model::Event& event = events.emplace_back();
  event.time = time;
  event.record = record;
  event.source = sink.source;
  return event.payload.emplace<Payload>();
}

// UTF-8 as of RFC 3629: no surrogates, no overlong forms.
bool valid_utf8(std::string_view text);
// Appends `text` with each byte that belongs to no character replaced by U+FFFD.
void repair_utf8(std::string_view text, std::string& out);
// The longest prefix of at most `bytes` that does not cut a character.
std::string_view cut_utf8(std::string_view text, std::size_t bytes);

}  // namespace pandun::sources
