package main

import (
	"syscall"
	"time"

	"github.com/Shopify/toxiproxy/v2/toxics"
)

// delayToxic is toxiproxy's latency, which counts in whole milliseconds, for shorter ones.
type delayToxic struct {
	Delay time.Duration `json:"delay"` // in ns
}

// delayType is its name in a proxy.
const delayType = "delay"

// GetBufferSize is how much may be on its way at once.
func (*delayToxic) GetBufferSize() int { return 1024 }

// Pipe passes each chunk on when its time has come.
func (t *delayToxic) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				stub.Close()
				return
			}
			sleep(t.Delay - time.Since(chunk.Timestamp))
			stub.Output <- chunk
		}
	}
}

// sleep is more exact than time.Sleep, which takes a millisecond at least where nothing else
// is to be done.
func sleep(d time.Duration) {
	if d > 0 {
		left := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&left, nil) // a signal may end it early
	}
}
