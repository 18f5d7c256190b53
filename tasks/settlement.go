package tasks

// Settlement is what became of an attempt.
type Settlement struct {
	State State
	// OutcomeUnknown is set when WeCom may have taken the message though it did
	// not say so.
	OutcomeUnknown bool
	ErrCode        int64
	ErrMsg         string
	MsgID          string
	ResponseCode   string
	Recipients     Recipients
}
