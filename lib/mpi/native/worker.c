#include "worker.h"

#include <dlfcn.h>
#include <mpi.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collectives.h"
#include "peers.h"
#include "watch.h"

typedef enum { STATE_NONE, STATE_STARTING, STATE_RUNS, STATE_REFUSED, STATE_ENDED, STATE_ALONE } State;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// Something to do for the MPI thread; something done, for the thread that waits.
static pthread_cond_t work = PTHREAD_COND_INITIALIZER, done;
static pthread_t thread;
static State state = STATE_NONE;
static Job *first, *last;
static Settle settle_job;
static World own_world;
static char announcement[1024];
static bool is_announced;
static atomic_bool leaves;
static int exit_code;
static double exit_patience;
// Of a call of the library that did not come back: no other comes after it.
static Verdict verdict;
static bool is_judged;

static bool asked_to_leave(void) { return atomic_load(&leaves); }

// Node loads modules privately; components that MPI loads look for the library's symbols among the public ones.
static void make_public(void) {
#ifdef RTLD_NOLOAD
  Dl_info info;
  if (dladdr((const void*)&MPI_Comm_dup, &info) != 0 && info.dli_fname != NULL) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
  }
#endif
}

static void find_neighbours(World* world, MPI_Comm all) {
  MPI_Comm machine;
  MPI_Comm_split_type(all, MPI_COMM_TYPE_SHARED, world->rank, MPI_INFO_NULL, &machine);
  MPI_Comm_rank(machine, &world->local_rank);
  MPI_Comm_size(machine, &world->local_size);
  // Machines are numbered by their lowest rank.
  int is_first = world->local_rank == 0, number = 0;
  MPI_Exscan(&is_first, &number, 1, MPI_INT, MPI_SUM, all);
  if (world->rank == 0) number = 0;
  MPI_Bcast(&number, 1, MPI_INT, 0, machine);
  world->node = number;
  MPI_Allreduce(&is_first, &world->nodes, 1, MPI_INT, MPI_SUM, all);
  MPI_Comm_free(&machine);
}

static bool start_mpi(World* world) {
  make_public();
  // With as many ranks as processors, one that waits would keep the processor from those that compute.
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  int is_running = 0;
  if (MPI_Initialized(&is_running) != MPI_SUCCESS || is_running) return false;
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &world->thread_level) != MPI_SUCCESS) return false;
  const int levels[] = {MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED, MPI_THREAD_MULTIPLE};
  for (int i = 0; i < 4; i++) {
    if (world->thread_level == levels[i]) {
      world->thread_level = i;
      break;
    }
  }
  // Communicators of our own, beside whatever else in this process uses MPI.
  MPI_Comm all;
  if (MPI_Comm_dup(MPI_COMM_WORLD, &all) != MPI_SUCCESS) return false;
  if (collectives_adopt(all, &world->rank, &world->size) != 0) return false;
  find_neighbours(world, all);
  return peers_start(MPI_COMM_WORLD);
}

static void refuse_job(Job* job) {
  job->outcome = verdict.outcome;
  job->culprit = verdict.culprit;
  memcpy(job->message, verdict.message, sizeof job->message);
}

static void answer(Job* job) {
  if (!job->is_waited_for) {
    settle_job(job);
    return;
  }
  pthread_mutex_lock(&lock);
  job->is_done = true;
  pthread_cond_broadcast(&done);
  pthread_mutex_unlock(&lock);
}

static const char* words_of_failure(void) {
  pthread_mutex_lock(&lock);
  const bool has_failed = announcement[0] != 0;
  pthread_mutex_unlock(&lock);
  return has_failed ? announcement : NULL;
}

// Gives up the job that the library has, and those behind it.
static void judge(Job* stuck, const Verdict* given) {
  pthread_mutex_lock(&lock);
  verdict = *given;
  is_judged = true;
  Job* waiting = first;
  first = last = NULL;
  pthread_cond_broadcast(&done);
  pthread_mutex_unlock(&lock);
  if (!stuck->is_waited_for) {
    stuck->verdict = &verdict;
    settle_job(stuck);
  }
  while (waiting != NULL) {
    Job* job = waiting;
    waiting = job->next;
    refuse_job(job);
    answer(job);
  }
}

// Whether all ranks came to the end.
static bool end_mpi(void) {
  if (exit_code != 0) peers_announce(announcement[0] != 0 ? announcement : "it ended");
  if (exit_code == 0) peers_leave();
  const bool all_here = peers_gather(exit_code == 0 ? 1e9 : exit_patience, exit_patience);
  const int failed = peers_poll();
  if (failed >= 0 && exit_code == 0) exit_code = 1;
  if (all_here) {
    peers_see_off();
    MPI_Finalize();
  }
  return all_here;
}

static void* serve(void* unused) {
  (void)unused;
  const bool is_started = start_mpi(&own_world);
  const int multiple = 3;
  if (is_started && own_world.thread_level == multiple) watch_start(judge, words_of_failure);
  pthread_mutex_lock(&lock);
  state = is_started ? STATE_RUNS : STATE_REFUSED;
  pthread_cond_broadcast(&done);
  while (is_started) {
    while (first == NULL && !leaves && (announcement[0] == 0 || is_announced)) pthread_cond_wait(&work, &lock);
    if (announcement[0] != 0 && !is_announced) {
      is_announced = true;
      peers_announce(announcement);
      continue;
    }
    Job* job = first;
    if (job == NULL) break;
    first = job->next;
    if (first == NULL) last = NULL;
    pthread_mutex_unlock(&lock);
    if (collectives_run(job, asked_to_leave)) answer(job);
    pthread_mutex_lock(&lock);
  }
  pthread_mutex_unlock(&lock);
  if (!is_started) return NULL;
  const bool all_here = end_mpi();
  pthread_mutex_lock(&lock);
  state = all_here ? STATE_ENDED : STATE_ALONE;
  pthread_cond_broadcast(&done);
  pthread_mutex_unlock(&lock);
  return NULL;
}

static struct timespec in_seconds(double seconds) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  const double whole = (double)(long long)seconds;
  time.tv_sec += (time_t)whole;
  time.tv_nsec += (long)((seconds - whole) * 1e9);
  if (time.tv_nsec >= 1000000000) {
    time.tv_sec++;
    time.tv_nsec -= 1000000000;
  }
  return time;
}

bool worker_start(Settle settle, World* world, char* message, size_t capacity) {
  pthread_mutex_lock(&lock);
  if (state != STATE_NONE) {
    pthread_mutex_unlock(&lock);
    snprintf(message, capacity, "MPI has been started in this process before, and that is possible once");
    return false;
  }
  state = STATE_STARTING;
  settle_job = settle;
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
#ifndef __APPLE__
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
#endif
  pthread_cond_init(&done, &clock);
  // Signals are for Node's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int code = pthread_create(&thread, NULL, serve, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code != 0) state = STATE_REFUSED;
  while (state == STATE_STARTING) pthread_cond_wait(&done, &lock);
  const bool runs = state == STATE_RUNS;
  pthread_mutex_unlock(&lock);
  if (!runs) snprintf(message, capacity, "MPI does not start");
  *world = own_world;
  return runs;
}

Posted worker_post(Job* job, Verdict* late) {
  pthread_mutex_lock(&lock);
  if (state != STATE_RUNS || leaves || is_judged) {
    if (is_judged) {
      refuse_job(job);
    } else {
      job->outcome = OUTCOME_GONE;
      job->culprit = -1;
      snprintf(job->message, sizeof job->message, "MPI has ended in this process");
    }
    pthread_mutex_unlock(&lock);
    return POST_REFUSED;
  }
  const bool is_waited_for = job->is_waited_for;
  if (last == NULL) {
    first = job;
  } else {
    last->next = job;
  }
  last = job;
  pthread_cond_signal(&work);
  if (!is_waited_for) {
    pthread_mutex_unlock(&lock);
    return POST_TAKEN;
  }
  // The MPI thread keeps to the time while it waits for others, and the one that watches it while the library does;
  // this is for a library that lets neither.
  const struct timespec latest = in_seconds(job->timeout * 2.5 + 10);
  bool is_late = false;
  while (!job->is_done && !is_judged && !is_late) is_late = pthread_cond_timedwait(&done, &lock, &latest) != 0;
  const bool is_done = job->is_done;
  *late = (Verdict){.outcome = OUTCOME_TIMEOUT, .culprit = -1, .message = "the MPI library does not come back"};
  if (is_judged) *late = verdict;
  pthread_mutex_unlock(&lock);
  return is_done ? POST_DONE : POST_STUCK;
}

void worker_fail(const char* words) {
  pthread_mutex_lock(&lock);
  if (announcement[0] == 0) snprintf(announcement, sizeof announcement, "%s", words[0] == 0 ? "it failed" : words);
  pthread_cond_signal(&work);
  pthread_mutex_unlock(&lock);
}

bool worker_stop(int* code, double patience, bool* is_lost) {
  pthread_mutex_lock(&lock);
  *is_lost = is_judged;
  if (state != STATE_RUNS) {
    pthread_mutex_unlock(&lock);
    return true;
  }
  if (is_judged) {
    // The thread that would meet the others is in the library.
    state = STATE_ALONE;
    if (*code == 0) *code = 1;
    pthread_mutex_unlock(&lock);
    return false;
  }
  exit_code = *code;
  exit_patience = patience;
  leaves = true;
  pthread_cond_signal(&work);
  // Who has nothing more to do waits for the others as long as they need.
  const struct timespec latest = in_seconds(exit_code == 0 ? 1e9 : patience + 5);
  while (state == STATE_RUNS) {
    // A library that does not come back is left where it is.
    if (pthread_cond_timedwait(&done, &lock, &latest) != 0 && state == STATE_RUNS) state = STATE_ALONE;
  }
  const bool all_here = state == STATE_ENDED;
  *code = exit_code != 0 || all_here ? exit_code : 1;
  pthread_mutex_unlock(&lock);
  return all_here;
}

void worker_abort(int code) {
  pthread_mutex_lock(&lock);
  const bool runs = state == STATE_RUNS || state == STATE_ALONE;
  pthread_mutex_unlock(&lock);
  // From whichever thread: nothing of this program comes after it.
  if (runs) MPI_Abort(MPI_COMM_WORLD, code);
  _Exit(code);
}

void job_free(Job* job) {
  if (job == NULL) return;
  free(job->parts);
  free(job->lengths);
  free(job);
}
