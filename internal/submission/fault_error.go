package submission

import "fmt"

// FaultError is a message that cannot be enqueued as it is. The lines after it can be read.
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

// Unwrap is what is wrong with the message.
func (f *FaultError) Unwrap() error { return f.Err }
