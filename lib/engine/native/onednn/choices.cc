#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "onednn/choices.h"

namespace convbook {
namespace {

// oneDNN has to be faster by more than what two measurements of one thing differ by.
constexpr double kMargin = 0.97;
// Both run once to warm up, then in turns: so often at least and at most, and not longer than this together in between.
constexpr int kLeastRounds = 3, kMostRounds = 10;
constexpr double kMilliseconds = 80;
// A file with more lines is none of ours.
constexpr size_t kMostRows = 100000;

double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// "what \t native \t onednn \t name"; false for anything else.
bool parse(const std::string& line, Choices::Row* row) {
  size_t tabs[3], at = 0;
  for (size_t& tab : tabs) {
    tab = line.find('\t', at);
    if (tab == std::string::npos) return false;
    at = tab + 1;
  }
  row->what = line.substr(0, tabs[0]);
  char* end = nullptr;
  row->native = std::strtod(line.c_str() + tabs[0] + 1, &end);
  if (end != line.c_str() + tabs[1]) return false;
  row->onednn = std::strtod(line.c_str() + tabs[1] + 1, &end);
  if (end != line.c_str() + tabs[2]) return false;
  const std::string name = line.substr(tabs[2] + 1);
  row->takesOneDnn = name == "onednn";
  return row->takesOneDnn || name == "native";
}

}  // namespace

Choices::Choices(const std::string& path) : path_(path) { load(); }

void Choices::load() {
  if (path_.empty()) return;
  std::ifstream file(path_);
  Row row;
  for (std::string line; rows_.size() < kMostRows && std::getline(file, line);) {
    if (parse(line, &row)) add(row);
  }
}

// The first line on a shape counts: two processes may have measured it at the same time.
void Choices::add(const Row& row) {
  if (index_.emplace(row.what, rows_.size()).second) rows_.push_back(row);
}

void Choices::append(const Row& row) const {
  if (path_.empty()) return;
  FILE* file = std::fopen(path_.c_str(), "ab");
  if (file == nullptr) return;
  char numbers[80];
  std::snprintf(numbers, sizeof numbers, "\t%.4f\t%.4f\t%s\n", row.native, row.onednn,
                row.takesOneDnn ? "onednn" : "native");
  const std::string line = row.what + numbers;
  // One write, which other processes' lines do not get into.
  std::setvbuf(file, nullptr, _IOFBF, line.size() + 1);
  std::fwrite(line.data(), 1, line.size(), file);
  std::fclose(file);
}

bool Choices::find(const std::string& what, bool* takesOneDnn) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = index_.find(what);
  if (found == index_.end()) return false;
  *takesOneDnn = rows_[found->second].takesOneDnn;
  return true;
}

bool Choices::takesOneDnn(const std::string& what, const std::function<void()>& native,
                          const std::function<bool()>& onednn) {
  bool takes = false;
  if (find(what, &takes)) return takes;
  std::lock_guard<std::mutex> measuring(measuring_);
  if (find(what, &takes)) return takes;
  Row row = {what, 1e300, -1, false};
  native();
  const bool there = onednn();
  if (there) row.onednn = 1e300;
  const double start = now();
  for (int round = 0; round < kLeastRounds || (round < kMostRounds && now() - start < kMilliseconds); round++) {
    const double before = now();
    native();
    const double between = now();
    row.native = std::min(row.native, between - before);
    if (!there) continue;
    onednn();
    row.onednn = std::min(row.onednn, now() - between);
  }
  row.takesOneDnn = there && row.onednn < row.native * kMargin;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    add(row);
  }
  append(row);
  return row.takesOneDnn;
}

std::vector<Choices::Row> Choices::rows() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return rows_;
}

}  // namespace convbook
