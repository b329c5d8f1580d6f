// CSV records with a header, by canonical column: what the calls and messages sources share.
//
// Form     RFC 4180: quoted fields may hold the delimiter, doubled quotes and line breaks (at most 16 lines a record); a quote
//          that is never closed costs its own line only. Spaces around a value are dropped. Header names match in any case.
// Restart  a file that goes on after rotation without a header line of its own keeps the header before it.
// Threads  one owner.
#pragma once

#include <iconv.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sources/kit/column_map.h"
#include "sources/kit/source.h"

namespace pandun::sources {

inline constexpr std::size_t kCanonicalMax = 16;
using CsvValues = std::array<std::string_view, kCanonicalMax>;  // by canonical index; empty if the record does not say

// Splits one record. kUnclosed: a quoted field goes on behind the end. Views point into `text` or `scratch`.
enum class CsvSplit { kGood, kUnclosed, kBadQuote };
CsvSplit split_csv(std::string_view text, char delimiter, std::vector<std::string_view>& fields, std::string& scratch);

class CsvDecoder : public LineDecoder {
 public:
  void line(std::string_view text, std::uint64_t record, DecodeSink& sink) final;
  void end(DecodeSink& sink) final;
  bool pending() const final { return !open_lines_.empty(); }
  Result<> check_head(std::string_view first_line) const final;
  bool numbers_opaque() const final { return map_.numbers_opaque; }
  bool wants_raw_text() const final { return map_.gb18030; }
  std::string state() const final;
  Result<> restore(std::string_view state) final;

 protected:
  // The first three canonical columns are the time and the two parties; all three must be in the header.
  CsvDecoder(std::string_view kind, const std::vector<std::string_view>& canonical, ColumnMap map);
  ~CsvDecoder() override;

  // Time, columns and the second party are known to be there. False: `reason` and `detail` say why not.
  struct Fault {
    model::RejectReason reason{};
    std::string detail;
  };
  // Of a file that has this column no line is ever shown among the rejects: something may stand there that must not.
  static constexpr std::size_t kNothing = SIZE_MAX;
  std::size_t guarded_ = kNothing;
  virtual bool row(const CsvValues& values, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) = 0;

 private:
  struct Binding {
    std::size_t column, canonical;
  };
  struct Header {
    std::string text;
    std::size_t columns = 0, extra = 0;
    std::vector<Binding> bound;
    std::vector<std::size_t> only;  // column of each condition
  };
  Result<Header> read_header(std::string_view text) const;
  Result<> bind(const std::vector<std::string_view>& names, Header& header) const;
  bool take_header(std::string_view text, std::uint64_t record, DecodeSink& sink);
  void record_line(std::string_view text, std::uint64_t record, DecodeSink& sink);
  void values_of_row(std::string_view text, std::uint64_t record, DecodeSink& sink);
  void give_up_quote(DecodeSink& sink);
  void refuse(DecodeSink& sink, std::uint64_t record, model::RejectReason reason, std::string detail,
              std::string_view text) const;
  void apply_changes(CsvValues& values) const;
  std::string_view to_utf8(std::string_view text, DecodeSink& sink);

  std::string_view kind_;
  const std::vector<std::string_view>& canonical_;
  ColumnMap map_;
  std::vector<std::pair<std::size_t, std::string_view>> constants_;
  struct Change {
    std::size_t column;
    std::string_view equals;
    std::vector<std::pair<std::size_t, std::string_view>> set;
  };
  std::vector<Change> changes_;
  RecordTime time_;
  Header header_;
  bool header_known_ = false, at_start_ = true, hopeless_ = false;
  std::vector<std::string_view> fields_;
  std::vector<std::uint32_t> ends_;
  std::string scratch_, converted_;
  std::vector<std::string> open_lines_;  // each with kLinePadding zero bytes behind it
  std::uint64_t open_record_ = 0;
  iconv_t iconv_;
};

// "17.97" whole seconds, cut. False if it is no number or too large.
bool csv_seconds(std::string_view text, std::int32_t& seconds);
// Copies each view into the arena, in one piece.
void copy_into(model::Arena& arena, std::initializer_list<std::string_view*> views);

}  // namespace pandun::sources
