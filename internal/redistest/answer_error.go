package redistest

// AnswerError is an error reply of Redis.
type AnswerError string

// Error is the text of the answer.
func (a AnswerError) Error() string { return string(a) }

// RedisError makes go-redis treat it as one.
func (AnswerError) RedisError() {}
