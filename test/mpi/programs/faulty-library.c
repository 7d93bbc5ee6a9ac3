// Stands before the MPI library and has one rank fail within a call: LD_PRELOAD, by MPI's profiling interface.
// CONVBOOK_FAULT=HOW:COUNT:TIMES, where HOW is stops, errs or dies, COUNT the elements of the allreduce that it is, and TIMES which one of these.
#include <dlfcn.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*Allreduce)(const void*, void*, int, MPI_Datatype, MPI_Op, MPI_Comm);

static int is_rank_one(void) {
  const char* names[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK"};
  for (int i = 0; i < 2; i++) {
    const char* rank = getenv(names[i]);
    if (rank != NULL) return strcmp(rank, "1") == 0;
  }
  return 0;
}

__attribute__((visibility("default"))) int MPI_Allreduce(const void* from, void* to, int count, MPI_Datatype type, MPI_Op operation,
                                                         MPI_Comm communicator) {
  static int seen = 0;
  char how[16] = "";
  int wanted = 0, times = 0;
  const char* fault = getenv("CONVBOOK_FAULT");
  if (fault != NULL && sscanf(fault, "%15[a-z]:%d:%d", how, &wanted, &times) == 3 && is_rank_one() && count == wanted &&
      ++seen == times) {
    if (strcmp(how, "errs") == 0) return MPI_ERR_TRUNCATE;
    raise(strcmp(how, "stops") == 0 ? SIGSTOP : SIGKILL);
  }
  const Allreduce library = (Allreduce)dlsym(RTLD_DEFAULT, "PMPI_Allreduce");
  return library(from, to, count, type, operation, communicator);
}
