// Package sim runs wecomq against faults drawn from a seed: producers and workers, a Redis and a simulated WeCom
// in one process, over connections in memory and in the time of testing/synctest. At the end of each run the
// books must balance. It is all tests; `make sim` runs them, and docs/simulation.md says what they prove and
// what not.
package sim
