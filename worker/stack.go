package worker

import "runtime"

// handlerStack is about the stack a handler needs, most of it to read WeCom's answer.
const handlerStack = 10 << 10

// growStack grows the goroutine's stack to the size that its handler needs. asynq starts a goroutine for each
// task: its stack would grow three times, each time in the middle of a deep call whose frames all have to be
// copied. That took a twelfth of a worker's CPU time.
//
//go:noinline
func growStack() {
	var room [handlerStack]byte
	runtime.KeepAlive(&room)
}
