/* Allreduce in C, on request, for the benchmark `distributed`. Each line "FLOATS TIMES" to rank 0 is answered by the milliseconds of one, the mean. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (;;) {
    long asked[2] = {0, 0};
    if (rank == 0 && scanf("%ld %ld", &asked[0], &asked[1]) != 2) {
      asked[0] = 0;
    }
    MPI_Bcast(asked, 2, MPI_LONG, 0, MPI_COMM_WORLD);
    if (asked[0] == 0) {
      break;
    }
    float *values = calloc((size_t)asked[0], sizeof(float));
    MPI_Allreduce(MPI_IN_PLACE, values, (int)asked[0], MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    const double start = MPI_Wtime();
    for (long i = 0; i < asked[1]; i++) {
      MPI_Allreduce(MPI_IN_PLACE, values, (int)asked[0], MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    }
    const double each = 1000 * (MPI_Wtime() - start) / (double)asked[1];
    if (rank == 0) {
      printf("%f\n", each);
      fflush(stdout);
    }
    free(values);
  }
  MPI_Finalize();
  return 0;
}
