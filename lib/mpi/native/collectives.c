// Collective calls in two parts. First all ranks come: each says in a few numbers what it is about to do, without
// keeping its processor busy while it waits, so that a rank that never comes, that has failed, or that wants something
// else is noticed. Then they do it, by the library's fastest algorithm, for which nobody waits any more.
#include "collectives.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peers.h"
#include "watch.h"

enum { MOST_COMMUNICATORS = 64, FIELDS = 5 };
// MPI counts in int.
static const size_t most_elements = (size_t)1 << 30;
// Seconds after which what a rank that has left had come to has arrived everywhere; half of a call's timeout where that
// is less.
static const double patience_with_leavers = 5;

typedef struct {
  MPI_Comm communicator;
  int rank, size;
  // Its ranks' numbers among all.
  int* numbers;
  // Why it cannot be used any more.
  Outcome broken;
  int culprit;
  char message[1536];
} Group;

static Group groups[MOST_COMMUNICATORS];
static int group_count;

static const char* const kinds[] = {"barrier",   "broadcast", "allreduce", "reduce",
                                    "allgather", "bucket",    "split",     "free"};
static const char* const elements[] = {"float32", "float64", "int32", "uint8"};
static const char* const operations[] = {"sum", "max", "min"};
static const size_t sizes[] = {4, 8, 4, 1};

static MPI_Datatype type_of(Element element) {
  switch (element) {
    case ELEMENT_FLOAT32: return MPI_FLOAT;
    case ELEMENT_FLOAT64: return MPI_DOUBLE;
    case ELEMENT_INT32: return MPI_INT32_T;
    default: return MPI_UINT8_T;
  }
}

static MPI_Op operation_of(Operation operation) {
  return operation == OPERATION_SUM ? MPI_SUM : operation == OPERATION_MAX ? MPI_MAX : MPI_MIN;
}

// By which ranks are named: part of the program or not, they have one number for whoever reads an error.
static int* numbers_of(MPI_Comm communicator, int size) {
  int* own = malloc(sizeof(int) * (size_t)size * 2);
  if (own == NULL) return NULL;
  int* among_all = own + size;
  for (int rank = 0; rank < size; rank++) own[rank] = rank;
  MPI_Group part, all;
  MPI_Comm_group(communicator, &part);
  MPI_Comm_group(MPI_COMM_WORLD, &all);
  MPI_Group_translate_ranks(part, size, own, all, among_all);
  MPI_Group_free(&part);
  MPI_Group_free(&all);
  memcpy(own, among_all, sizeof(int) * (size_t)size);
  return own;
}

int collectives_adopt(MPI_Comm communicator, int* rank, int* size) {
  int number = 0;
  while (number < group_count && groups[number].communicator != MPI_COMM_NULL) number++;
  if (number == MOST_COMMUNICATORS) return -1;
  if (number == group_count) group_count++;
  Group* group = &groups[number];
  memset(group, 0, sizeof *group);
  group->communicator = communicator;
  MPI_Comm_set_errhandler(communicator, MPI_ERRORS_RETURN);
  MPI_Comm_rank(communicator, &group->rank);
  MPI_Comm_size(communicator, &group->size);
  group->numbers = numbers_of(communicator, group->size);
  if (group->numbers == NULL) {
    group->communicator = MPI_COMM_NULL;
    return -1;
  }
  *rank = group->rank;
  *size = group->size;
  return number;
}

static bool fail(Job* job, Outcome outcome, int culprit, const char* message) {
  job->outcome = outcome;
  job->culprit = culprit;
  snprintf(job->message, sizeof job->message, "%s", message);
  return false;
}

// In words: allreduce of 10 float32 (sum).
static void describe(const int64_t* fields, char* text, size_t capacity) {
  const Kind kind = (Kind)fields[0];
  if (kind == KIND_BARRIER || kind == KIND_SPLIT || kind == KIND_FREE) {
    snprintf(text, capacity, "%s", kinds[kind]);
    return;
  }
  if (kind == KIND_BUCKET) {
    snprintf(text, capacity, "bucket of %lld float32 in %lld array%s", (long long)fields[4], (long long)fields[3],
             fields[3] == 1 ? "" : "s");
    return;
  }
  const bool reduces = kind == KIND_ALLREDUCE || kind == KIND_REDUCE;
  const bool has_root = kind == KIND_BROADCAST || kind == KIND_REDUCE;
  char root[32] = "";
  if (has_root) snprintf(root, sizeof root, kind == KIND_REDUCE ? " to rank %d" : " from rank %d", (int)fields[3]);
  snprintf(text, capacity, "%s of %lld %s%s%s%s%s", kinds[kind], (long long)fields[4], elements[fields[1]],
           reduces ? " (" : "", reduces ? operations[fields[2]] : "", reduces ? ")" : "", root);
}

static void fields_of(const Job* job, int64_t* fields) {
  const bool has_root = job->kind == KIND_BROADCAST || job->kind == KIND_REDUCE;
  fields[0] = job->kind;
  fields[1] = job->element;
  fields[2] = job->operation;
  fields[3] = has_root ? job->root : 0;
  fields[4] = (int64_t)job->count;
  if (job->kind != KIND_BUCKET) return;
  // A number that differs where the arrays' lengths do, though there be as many elements.
  uint64_t lengths = 1469598103934665603u;
  for (size_t i = 0; i < job->part_count; i++) lengths = (lengths ^ job->lengths[i]) * 1099511628211u;
  fields[2] = (int64_t)(lengths >> 2);
  fields[3] = (int64_t)job->part_count;
}

// An error of the library's own, which this rank has and others may not: they are told, since they may wait within the
// same call, and nothing is left that this rank could do with them.
static bool check(Job* job, int code) {
  if (code == MPI_SUCCESS) return true;
  int64_t fields[FIELDS];
  fields_of(job, fields);
  char what[160], error[MPI_MAX_ERROR_STRING] = "", text[sizeof job->message];
  describe(fields, what, sizeof what);
  int length = 0;
  MPI_Error_string(code, error, &length);
  const int rank = groups[0].rank;
  snprintf(text, sizeof text, "%s on rank %d failed in the MPI library: %.1000s", what, rank, error);
  peers_announce(text);
  return fail(job, OUTCOME_MPI, rank, text);
}

static bool mismatch(Job* job, Group* group, const int64_t* own) {
  int64_t* all = malloc(sizeof(int64_t) * FIELDS * (size_t)group->size);
  if (all == NULL) return fail(job, OUTCOME_MEMORY, -1, "no memory for what the ranks asked for");
  const int code = MPI_Allgather(own, FIELDS, MPI_INT64_T, all, FIELDS, MPI_INT64_T, group->communicator);
  if (check(job, code)) {
    int other = 1;
    while (other < group->size && memcmp(all, all + other * FIELDS, sizeof(int64_t) * FIELDS) == 0) other++;
    char first[160], second[160], text[512];
    describe(all, first, sizeof first);
    describe(all + (other < group->size ? other : 0) * FIELDS, second, sizeof second);
    const int culprit = group->numbers[other < group->size ? other : 0];
    const char* lengths = strcmp(first, second) == 0 ? " of other lengths" : "";
    snprintf(text, sizeof text, "rank %d called %s, rank %d called %s%s", group->numbers[0], first, culprit, second,
             lengths);
    fail(job, OUTCOME_MISMATCH, culprit, text);
  }
  free(all);
  return false;
}

void collectives_name_absent(const Job* job, const char* what_not, Verdict* verdict) {
  const Group* group = &groups[job->communicator];
  int64_t own[FIELDS];
  fields_of(job, own);
  char what[160], who[512] = "";
  describe(own, what, sizeof what);
  int absent = 0;
  verdict->culprit = -1;
  for (int i = 0; i < group->size; i++) {
    const int rank = group->numbers[i];
    if (peers_waits(rank)) continue;
    const size_t used = strlen(who);
    if (verdict->culprit < 0) verdict->culprit = rank;
    if (absent++ < 16) snprintf(who + used, sizeof who - used, used == 0 ? "%d" : ", %d", rank);
  }
  if (absent == 0) {
    snprintf(verdict->message, sizeof verdict->message, "the ranks wait for one another in %s", what);
  } else {
    snprintf(verdict->message, sizeof verdict->message, "rank%s %s%s %s %s", absent == 1 ? "" : "s", who,
             absent > 16 ? ", ..." : "", what_not, what);
  }
}

static bool peer_failed(Job* job, int rank) {
  char words[sizeof job->message];
  peers_words(words, sizeof words);
  return fail(job, OUTCOME_PEER, rank, words);
}

// Says which ranks do not wait as this one does.
static bool timed_out(Job* job, MPI_Request* request) {
  peers_complain();
  const double start = MPI_Wtime();
  const double grace = job->timeout < 4 ? job->timeout / 2 : 2;
  for (unsigned round = 1000; MPI_Wtime() - start < grace; round++) {
    int is_done = 0;
    if (MPI_Test(request, &is_done, MPI_STATUS_IGNORE) == MPI_SUCCESS && is_done) return true;
    const int failed = peers_poll();
    if (failed >= 0) return peer_failed(job, failed);
    pause_for(round);
  }
  Verdict verdict;
  collectives_name_absent(job, "did not come to", &verdict);
  return fail(job, OUTCOME_TIMEOUT, verdict.culprit, verdict.message);
}

// A rank of the group that has ended well, or -1: it had come to all that it ever called, and comes to nothing more.
static int has_left(const Group* group) {
  for (int i = 0; i < group->size; i++) {
    if (peers_left(group->numbers[i])) return group->numbers[i];
  }
  return -1;
}

static bool gone_for_good(Job* job, int rank) {
  int64_t own[FIELDS];
  fields_of(job, own);
  char what[160], text[256];
  describe(own, what, sizeof what);
  snprintf(text, sizeof text, "the process ended with code 0, and does not come to %s", what);
  return fail(job, OUTCOME_PEER, rank, text);
}

static bool wait_for(Job* job, const Group* group, MPI_Request* request, bool (*asked_to_leave)(void)) {
  const double start = MPI_Wtime();
  // Since when it is known that a rank has left. What it had come to before is still on its way for a while.
  double alone_since = -1;
  const double patience = job->timeout < 2 * patience_with_leavers ? job->timeout / 2 : patience_with_leavers;
  for (unsigned round = 0;; round++) {
    int is_done = 0;
    if (!check(job, MPI_Test(request, &is_done, MPI_STATUS_IGNORE))) return false;
    if (is_done) return true;
    pause_for(round);
    if (round % 8 != 7) continue;
    const int failed = peers_poll();
    if (failed >= 0) return peer_failed(job, failed);
    if (asked_to_leave()) return fail(job, OUTCOME_GONE, -1, "this process ends");
    const double now = MPI_Wtime();
    const int leaver = has_left(group);
    if (leaver >= 0 && alone_since < 0) alone_since = now;
    if (alone_since >= 0 && now - alone_since > patience) return gone_for_good(job, leaver);
    if (now - start > job->timeout) return timed_out(job, request);
  }
}

// Whether all ranks have come, for the same thing.
static bool arrive(Job* job, Group* group, bool (*asked_to_leave)(void)) {
  // On the heap, and left there when it fails: the unfinished request still refers to it.
  int64_t* numbers = malloc(sizeof(int64_t) * FIELDS * 4);
  if (numbers == NULL) return fail(job, OUTCOME_MEMORY, -1, "no memory to meet the other ranks");
  int64_t* all = numbers + FIELDS * 2;
  fields_of(job, numbers);
  // The smallest of each, and of its negative: where the two differ, so do the ranks.
  for (int i = 0; i < FIELDS; i++) numbers[FIELDS + i] = -numbers[i];
  MPI_Request request;
  if (!check(job, MPI_Iallreduce(numbers, all, FIELDS * 2, MPI_INT64_T, MPI_MIN, group->communicator, &request)))
    return false;
  if (!wait_for(job, group, &request, asked_to_leave)) {
    group->broken = job->outcome;
    group->culprit = job->culprit;
    memcpy(group->message, job->message, sizeof group->message);
    return false;
  }
  bool is_same = true;
  for (int i = 0; i < FIELDS; i++) is_same = is_same && all[i] == -all[FIELDS + i];
  const bool arrived = is_same || mismatch(job, group, numbers);
  free(numbers);
  return arrived;
}

// How many elements one call of the library takes. For sums both libraries borrow memory as long as the array and give
// it back to the system: of long arrays, fetching its pages anew took most of the time (47 MB on two ranks 180 ms in
// one call, 15 ms in pieces of 4 MB). Where ranks are many each has a part of a piece: pieces grow, so that its
// messages do not become short.
static size_t piece_of(const Job* job, const Group* group) {
  if (job->kind == KIND_BROADCAST) return most_elements;
  const size_t piece = ((size_t)1 << 20) * (size_t)(1 + group->size / 8);
  return piece < most_elements ? piece : most_elements;
}

static bool in_pieces(Job* job, Group* group) {
  const MPI_Datatype type = type_of(job->element);
  const MPI_Op operation = operation_of(job->operation);
  const size_t piece = piece_of(job, group);
  // The root gives a copy: of MPI_IN_PLACE, MPICH 4.0 reads the address itself where the root is another rank than 0.
  void* own = NULL;
  if (job->kind == KIND_REDUCE && group->rank == job->root) {
    own = malloc((job->count < piece ? job->count : piece) * sizes[job->element]);
    if (own == NULL && job->count > 0) return fail(job, OUTCOME_MEMORY, -1, "no memory for a sum");
  }
  bool is_done = true;
  for (size_t start = 0; is_done && start < job->count; start += piece) {
    const size_t rest = job->count - start;
    const int count = (int)(rest < piece ? rest : piece);
    char* data = (char*)job->data + start * sizes[job->element];
    int code;
    if (job->kind == KIND_BROADCAST) {
      code = MPI_Bcast(data, count, type, job->root, group->communicator);
    } else if (job->kind == KIND_ALLREDUCE) {
      code = MPI_Allreduce(MPI_IN_PLACE, data, count, type, operation, group->communicator);
    } else if (group->rank == job->root) {
      memcpy(own, data, (size_t)count * sizes[job->element]);
      code = MPI_Reduce(own, data, count, type, operation, job->root, group->communicator);
    } else {
      code = MPI_Reduce(data, NULL, count, type, operation, job->root, group->communicator);
    }
    is_done = check(job, code);
  }
  free(own);
  return is_done;
}

static bool gather(Job* job, Group* group) {
  if (job->count > most_elements) return fail(job, OUTCOME_MPI, -1, "allgather takes up to 2^30 elements");
  const MPI_Datatype type = type_of(job->element);
  return check(
      job, MPI_Allgather(job->data, (int)job->count, type, job->received, (int)job->count, type, group->communicator));
}

// Kept from bucket to bucket: new memory costs more than the sum.
static float* flat;
static size_t flat_capacity;

static bool reduce_bucket(Job* job, Group* group) {
  if (job->count > flat_capacity) {
    free(flat);
    flat = malloc(job->count * sizeof(float));
    flat_capacity = flat == NULL ? 0 : job->count;
    if (flat == NULL) return fail(job, OUTCOME_MEMORY, -1, "no memory for a bucket");
  }
  float* to = flat;
  for (size_t part = 0; part < job->part_count; part++) {
    const float* from = job->parts[part];
    const size_t length = job->lengths[part];
    for (size_t i = 0; i < length; i++) to[i] = from[i] * job->scale;
    to += length;
  }
  // The job itself stays a bucket, for whoever asks what is under way.
  Job sum = *job;
  sum.kind = KIND_ALLREDUCE;
  sum.operation = OPERATION_SUM;
  sum.data = flat;
  if (!in_pieces(&sum, group)) return fail(job, sum.outcome, sum.culprit, sum.message);
  const float* from = flat;
  for (size_t part = 0; part < job->part_count; part++) {
    memcpy(job->parts[part], from, job->lengths[part] * sizeof(float));
    from += job->lengths[part];
  }
  return true;
}

static bool split(Job* job, Group* group) {
  MPI_Comm part = MPI_COMM_NULL;
  const int colour = job->root < 0 ? MPI_UNDEFINED : job->root;
  if (!check(job, MPI_Comm_split(group->communicator, colour, job->key, &part))) return false;
  job->result[0] = -1;
  if (part == MPI_COMM_NULL) return true;
  job->result[0] = collectives_adopt(part, &job->result[1], &job->result[2]);
  if (job->result[0] >= 0) return true;
  MPI_Comm_free(&part);
  return fail(job, OUTCOME_MEMORY, -1, "more than 64 communicators");
}

static void call_library(Job* job, Group* group) {
  switch (job->kind) {
    case KIND_BARRIER: break;
    case KIND_BROADCAST:
    case KIND_ALLREDUCE:
    case KIND_REDUCE: in_pieces(job, group); break;
    case KIND_ALLGATHER: gather(job, group); break;
    case KIND_BUCKET: reduce_bucket(job, group); break;
    case KIND_SPLIT: split(job, group); break;
    case KIND_FREE:
      check(job, MPI_Comm_free(&group->communicator));
      free(group->numbers);
      group->numbers = NULL;
      break;
  }
}

bool collectives_run(Job* job, bool (*asked_to_leave)(void)) {
  job->outcome = OUTCOME_DONE;
  job->culprit = -1;
  const int number = job->communicator;
  Group* group = number >= 0 && number < group_count ? &groups[number] : NULL;
  if (group == NULL || group->communicator == MPI_COMM_NULL) {
    fail(job, OUTCOME_GONE, -1, "the communicator was freed");
    return true;
  }
  if (group->broken != OUTCOME_DONE) {
    fail(job, group->broken, group->culprit, group->message);
    return true;
  }
  const int failed = peers_poll();
  if (failed >= 0) {
    peer_failed(job, failed);
    return true;
  }
  if (!arrive(job, group, asked_to_leave)) return true;
  watch_enter(job);
  call_library(job, group);
  return watch_leave();
}
