// Event batches as bytes: what the event log and Kafka carry.
//
// Shape    version byte, then varints, deltas to the event before, strings inline; each payload is length-prefixed, and a
//          reader skips the trailing fields that a newer writer added. Positions count up from the first event's.
//          *_text fields are not kept. The bytes hold clear identities: seal them before they touch a disk.
// Errors   decode(): kCorrupt for anything but a whole batch, kUnsupported for a newer version or kind. It never reads or
//          allocates past a small multiple of what it was given.
// Threads  pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/event.h"

namespace pandun::model {

void encode(const EventBatch& batch, std::string& out);  // appends
// Replaces `out`; its strings live in one new arena.
Result<> decode(std::string_view bytes, EventBatch& out);

}  // namespace pandun::model
