// Package embedded is a Redis inside the process, for the demo and for trying things out: there is nothing to
// install, and everything is gone when it closes. It is miniredis with a clock: miniredis alone expires no key
// by itself.
//
// It keeps no data, has one node only, and runs Lua without struct and cmsgpack.
package embedded
