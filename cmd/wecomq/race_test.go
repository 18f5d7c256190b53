//go:build race

package main

func init() { withRaceDetector = true }
