package main

import (
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
