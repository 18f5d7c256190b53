package redistest

// AnswerError is an error that Redis answers.
type AnswerError string

// Error is the text of the answer.
func (a AnswerError) Error() string { return string(a) }

// RedisError makes go-redis take it for one.
func (AnswerError) RedisError() {}
