// What ranks tell one another besides their work: that one failed, and why; that one waits in vain. From any thread
// that may call MPI.
#ifndef CONVBOOK_MPI_PEERS_H_
#define CONVBOOK_MPI_PEERS_H_

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>

bool peers_start(MPI_Comm world);
// Tells all other ranks that this one has failed.
void peers_announce(const char* words);
// Tells all other ranks that this one calls nothing any more.
void peers_leave(void);
// Whether a rank has left.
bool peers_left(int rank);
// After peers_gather: takes what the others said when they left, so that nothing is under way when MPI ends.
void peers_see_off(void);
// Tells all other ranks that this one waits for somebody.
void peers_complain(void);
// Takes what has come. Returns the rank that has failed first, as far as is known here, or -1.
int peers_poll(void);
// The words of the rank that failed.
void peers_words(char* words, size_t capacity);
// Whether a rank waits for somebody, too.
bool peers_waits(int rank);
// For the end: whether all ranks come to it within `patience` seconds, or `patience_with_failed` once one has failed.
bool peers_gather(double patience, double patience_with_failed);

// Lets other threads have the processor: briefly at first, then sleeping.
void pause_for(unsigned round);

#endif  // CONVBOOK_MPI_PEERS_H_
