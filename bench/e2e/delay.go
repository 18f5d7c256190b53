package main

import (
	"time"

	"github.com/Shopify/toxiproxy/v2/toxics"
)

// delayToxic is like toxiproxy's latency, which has whole milliseconds only, for shorter delays.
type delayToxic struct {
	Delay time.Duration `json:"delay"` // in ns
}

// delayType is its name in a proxy.
const delayType = "delay"

// GetBufferSize is how many chunks may be in transit.
func (*delayToxic) GetBufferSize() int { return 1024 }

// Pipe passes each chunk on after the delay.
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
