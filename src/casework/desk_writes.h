// A write whose refusal is worth knowing: what somebody was not allowed is recorded, although nothing of it was done.
// Inside casework only.
#pragma once

#include <string>

#include "casework/case_desk.h"
#include "casework/case_steps.h"

namespace pandun::casework {

template <typename Work>
Result<> write_or_record(const DeskParts& parts, const guard::Actor& actor, const std::string& action,
                         const std::string& object, Work&& work) {
  Result<> done = parts.store.write(work);
  if (done.ok() || done.error().code != Errc::kNotAllowed) return done;
  TRY(parts.store.write([&](store::Tx& tx) -> Result<> {
    TRY(tx.values().add(done.error().where == kRefusedCategory ? "refused.category" : "refused.action", 1));
    return parts.audit.record(tx, actor, action + ".refused", object, {{"reason", done.error().message}});
  }));
  return done;
}

}  // namespace pandun::casework
