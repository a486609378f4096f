// Command bench measures the hub beside other brokers on the same machine, in one run, and prints a table of what is promised of
// its speed and what was measured.
//
// It starts each broker anew for each case, on a processor of its own, loads it from another processor, and compares what a
// delivered message costs the broker in processor time, which depends less on the rest of the machine than messages per second
// do. It is a tool for developers (make bench-table), for Linux; it talks to this machine only, and ends only what it has
// started.
package main
