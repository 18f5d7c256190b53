package compose

import (
	"bytes"
	"fmt"
)

// limitedBuffer refuses to hold more than [maxRenderedBytes].
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxRenderedBytes {
		return 0, fmt.Errorf("the text has more than %d bytes", maxRenderedBytes)
	}
	return b.Buffer.Write(p)
}
