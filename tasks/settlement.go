package tasks

// Settlement is the result of an attempt.
type Settlement struct {
	State State
	// OutcomeUnknown is set if WeCom may have accepted the message without saying so.
	OutcomeUnknown bool
	ErrCode        int64
	ErrMsg         string
	MsgID          string
	ResponseCode   string
	Recipients     Recipients
}
