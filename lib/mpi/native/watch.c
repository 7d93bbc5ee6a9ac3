#include "watch.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "collectives.h"
#include "peers.h"

// Seconds after which a call of the library is looked after: most take less.
static const double soon = 1;
// Ranks that are well come to the call, or to the next one, at other times: so long are their complaints waited for, s.
static const double longest_grace = 60;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Job* inside;
static double since, complained;
static bool is_started, is_judged, is_announced;
static void (*judge_job)(Job* job, const Verdict* verdict);
static const char* (*failure_words)(void);

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

// What this process has to tell, which the thread in the library cannot.
static void announce(void) {
  const char* words = failure_words();
  if (words == NULL || is_announced) return;
  is_announced = true;
  peers_announce(words);
}

// Whether the job is to be given up, and why.
static bool is_lost(const Job* job, Verdict* verdict) {
  const int failed = peers_poll();
  if (failed >= 0) {
    *verdict = (Verdict){.outcome = OUTCOME_PEER, .culprit = failed};
    peers_words(verdict->message, sizeof verdict->message);
    return true;
  }
  const double time = now();
  if (time - since < job->timeout) return false;
  if (complained == 0) {
    complained = time;
    peers_complain();
  }
  const double half = job->timeout / 2;
  if (time - complained < (half < longest_grace ? half : longest_grace)) return false;
  *verdict = (Verdict){.outcome = OUTCOME_TIMEOUT};
  collectives_name_absent(job, "did not finish", verdict);
  return true;
}

static void* watch(void* unused) {
  (void)unused;
  for (;;) {
    const struct timespec pause = {0, 100000000};
    nanosleep(&pause, NULL);
    Verdict verdict;
    pthread_mutex_lock(&lock);
    Job* job = inside;
    if (job != NULL && now() - since > soon) {
      announce();
      if (!is_judged && is_lost(job, &verdict)) {
        is_judged = true;
        judge_job(job, &verdict);
      }
    }
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}

bool watch_start(void (*judge)(Job* job, const Verdict* verdict), const char* (*words_of_failure)(void)) {
  judge_job = judge;
  failure_words = words_of_failure;
  // Signals are for Node's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  is_started = pthread_create(&thread, NULL, watch, NULL) == 0;
  if (is_started) pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return is_started;
}

void watch_enter(Job* job) {
  if (!is_started) return;
  pthread_mutex_lock(&lock);
  inside = job;
  since = now();
  complained = 0;
  pthread_mutex_unlock(&lock);
}

bool watch_leave(void) {
  if (!is_started) return true;
  pthread_mutex_lock(&lock);
  inside = NULL;
  const bool is_ours = !is_judged;
  pthread_mutex_unlock(&lock);
  return is_ours;
}
