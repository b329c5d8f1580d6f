// A page for people: what was trained on what, how good it is and how sure that is, in Chinese and English.
//
// Shape    one HTML file: inline SVG and styles, no script, nothing loaded from anywhere. The language is chosen on the page.
// Errors   none; every text from tables and models is escaped.
#pragma once

#include <string>
#include <vector>

#include "learn/evaluation.h"
#include "learn/model.h"
#include "learn/trainer.h"

namespace pandun::learn {

struct ReportInput {
  const Model* model = nullptr;
  const Evaluation* evaluation = nullptr;
  const Training* training = nullptr;  // null: an evaluation of a finished model
  const LabelNoise* noise = nullptr;   // null: none
  const Table* table = nullptr;        // for the ids of doubtful rows; null: none are shown
  const std::vector<Drift>* drift = nullptr;
  const RepeatedEvaluation* repeats = nullptr;
  std::string title, made_at;
};
std::string html_report(const ReportInput& input);

}  // namespace pandun::learn
