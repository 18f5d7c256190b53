// Package stage starts the processes of the benchmarks, which end with them. It also measures how long alerts
// take meanwhile.
package stage
