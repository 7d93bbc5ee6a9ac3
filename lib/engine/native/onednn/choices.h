// Which of two implementations runs an operation: whichever was faster when the operation's shape was met first.
#pragma once
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace convbook {

class Choices {
 public:
  // Milliseconds of both; `onednn` is below zero where oneDNN does not have the operation.
  struct Row {
    std::string what;
    double native, onednn;
    bool takesOneDnn;
  };

  // Rows in the file at `path` are chosen already; what is measured is added to it, so that the next run chooses the
  // same. Without a path nothing is kept.
  explicit Choices(const std::string& path);

  // Whether oneDNN runs `what`. At its first time both run in turn (`onednn` gives false where it cannot),
  // and other threads that ask wait, so that nobody ever uses what is not chosen in the end.
  bool takesOneDnn(const std::string& what, const std::function<void()>& native, const std::function<bool()>& onednn);

  std::vector<Row> rows() const;

 private:
  bool find(const std::string& what, bool* takesSecond) const;
  void add(const Row& row);
  void load();
  void append(const Row& row) const;

  const std::string path_;
  mutable std::mutex mutex_;
  std::mutex measuring_;
  std::vector<Row> rows_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace convbook
