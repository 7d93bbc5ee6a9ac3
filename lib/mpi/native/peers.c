#include "peers.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAG_FAILED = 1, TAG_WAITS = 2, TAG_LEAVES = 3, CAPACITY = 1024 };

// A communicator of its own, so that these messages meet no others.
static MPI_Comm control = MPI_COMM_NULL;
static int own_rank, rank_count;
static int failed_rank = -1;
static char failed_words[CAPACITY];
static bool *waits, *left;
static char sent_words[CAPACITY];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool peers_start(MPI_Comm world) {
  if (MPI_Comm_dup(world, &control) != MPI_SUCCESS) return false;
  MPI_Comm_set_errhandler(control, MPI_ERRORS_RETURN);
  MPI_Comm_rank(control, &own_rank);
  MPI_Comm_size(control, &rank_count);
  waits = calloc((size_t)rank_count * 2, sizeof(bool));
  left = waits + rank_count;
  return waits != NULL;
}

// These messages are small enough to leave at once; nobody waits for them to arrive, since the other rank may be gone.
static void tell_all(const char* words, int tag) {
  for (int rank = 0; rank < rank_count; rank++) {
    if (rank == own_rank) continue;
    MPI_Request request;
    if (MPI_Isend(words, (int)strlen(words) + 1, MPI_CHAR, rank, tag, control, &request) == MPI_SUCCESS) {
      MPI_Request_free(&request);
    }
  }
}

void peers_announce(const char* words) {
  pthread_mutex_lock(&lock);
  if (failed_rank < 0) {
    failed_rank = own_rank;
    snprintf(failed_words, sizeof failed_words, "%s", words);
    snprintf(sent_words, sizeof sent_words, "%s", words);
    tell_all(sent_words, TAG_FAILED);
  }
  pthread_mutex_unlock(&lock);
}

void peers_leave(void) {
  pthread_mutex_lock(&lock);
  tell_all("", TAG_LEAVES);
  pthread_mutex_unlock(&lock);
}

void peers_complain(void) {
  pthread_mutex_lock(&lock);
  tell_all("", TAG_WAITS);
  pthread_mutex_unlock(&lock);
}

// Whether there was another message.
static bool take(void) {
  int has_come = 0;
  MPI_Status status;
  if (MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, control, &has_come, &status) != MPI_SUCCESS || !has_come) return false;
  char words[CAPACITY] = "";
  const int from = status.MPI_SOURCE, tag = status.MPI_TAG;
  if (MPI_Recv(words, CAPACITY, MPI_CHAR, from, tag, control, &status) != MPI_SUCCESS) return false;
  words[CAPACITY - 1] = 0;
  if (tag == TAG_WAITS) {
    waits[from] = true;
  } else if (tag == TAG_LEAVES) {
    left[from] = true;
  } else if (failed_rank < 0) {
    failed_rank = from;
    memcpy(failed_words, words, sizeof failed_words);
  }
  return true;
}

int peers_poll(void) {
  pthread_mutex_lock(&lock);
  while (take()) {
  }
  const int failed = failed_rank;
  pthread_mutex_unlock(&lock);
  return failed;
}

void peers_words(char* words, size_t capacity) {
  pthread_mutex_lock(&lock);
  snprintf(words, capacity, "%s", failed_words);
  pthread_mutex_unlock(&lock);
}

bool peers_waits(int rank) {
  pthread_mutex_lock(&lock);
  const bool is_waiting = rank == own_rank || waits[rank];
  pthread_mutex_unlock(&lock);
  return is_waiting;
}

bool peers_left(int rank) {
  pthread_mutex_lock(&lock);
  const bool has_left = left[rank];
  pthread_mutex_unlock(&lock);
  return has_left;
}

void peers_see_off(void) {
  const double latest = MPI_Wtime() + 1;
  for (unsigned round = 0; MPI_Wtime() < latest; round++) {
    if (peers_poll() >= 0) return;
    int others = 0;
    for (int rank = 0; rank < rank_count; rank++) others += rank != own_rank && left[rank];
    if (others == rank_count - 1) return;
    pause_for(round);
  }
}

bool peers_gather(double patience, double patience_with_failed) {
  // Its memory outlives the call: an unfinished request still refers to it.
  static MPI_Request request;
  if (MPI_Ibarrier(control, &request) != MPI_SUCCESS) return false;
  double latest = MPI_Wtime() + patience;
  bool is_shortened = false;
  for (unsigned round = 0;; round++) {
    int is_done = 0;
    if (MPI_Test(&request, &is_done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return false;
    if (is_done) return true;
    const double now = MPI_Wtime();
    if (peers_poll() >= 0 && !is_shortened) {
      is_shortened = true;
      latest = now + (patience < patience_with_failed ? patience : patience_with_failed);
    }
    if (now > latest) return false;
    pause_for(round);
  }
}

void pause_for(unsigned round) {
  if (round < 100) {
    sched_yield();
    return;
  }
  const struct timespec time = {0, round < 1000 ? 20000 : 100000};
  nanosleep(&time, NULL);
}
