// Package stage starts what the benchmarks run with: processes of their own, which end
// with them. It also measures how long alerts take meanwhile.
package stage
