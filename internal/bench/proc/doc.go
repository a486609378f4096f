// Package proc reads what Linux knows of a process (processor time, memory, bytes written), and pins processes to processors.
//
// The benchmark and its load generator call it. It never changes a process other than the one that it runs in, but for the
// peak of the resident memory, which it can set back. On other systems it is empty.
package proc
