//go:build !race

package wecomq_test

const raceEnabled = false
