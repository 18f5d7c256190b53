package submission

import "fmt"

// FaultError is returned for a message that cannot be enqueued because it is invalid. The lines after it can be read.
type FaultError struct {
	Line int // of a file of lines; 0 elsewhere
	Err  error
}

// Error names the line.
func (f *FaultError) Error() string {
	if f.Line == 0 {
		return f.Err.Error()
	}
	return fmt.Sprintf("line %d: %v", f.Line, f.Err)
}

// Unwrap returns the fault of the message.
func (f *FaultError) Unwrap() error { return f.Err }
