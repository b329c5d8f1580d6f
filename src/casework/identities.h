// The three forms of an identity: masked (what screens and replays show by default), token only, or clear.
//
// Safety   clear is for `replay --identities clear` on a person's own recording; serve never makes one.
// Notes    region, carrier kind and number kind come from a port that server plugs; without one notes are empty.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "casework/alert_folder.h"
#include "guard/number_tokens.h"

namespace pandun::casework {

enum class IdentityForm { kMasked, kToken, kClear };
std::optional<IdentityForm> parse_identity_form(std::string_view text);

class NumberNotes {
 public:
  virtual ~NumberNotes() = default;
  virtual std::string note(model::NumberKey number) const = 0;  // "浙江 杭州 · mobile"; empty when nothing is known
};

class TokenIdentities final : public Identities {
 public:
  TokenIdentities(const guard::NumberTokens& tokens, IdentityForm form, const NumberNotes* notes = nullptr)
      : tokens_(tokens), form_(form), notes_(notes) {}
  model::ShownEntity show(const model::Entity& entity, EventMs at) const override;

 private:
  const guard::NumberTokens& tokens_;
  IdentityForm form_;
  const NumberNotes* notes_;
};

}  // namespace pandun::casework
