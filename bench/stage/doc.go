// Package stage starts what the benchmarks run with: processes of their own, which end
// with them.
package stage
