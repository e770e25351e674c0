package run

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A child is the command's process and the job object that it and what it
// starts belong to.
type child struct {
	cmd    *exec.Cmd
	pid    int
	events chan event
	job    windows.Handle
}

func start(c Command) (*child, error) {
	job, err := newJob()
	if err != nil {
		return nil, err
	}
	ch := &child{events: make(chan event, 1), job: job}
	ch.cmd = &exec.Cmd{
		Path: c.Path, Args: c.Args, Env: c.Env,
		Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
		// A group of its own can be sent Ctrl-Break, and gets no Ctrl-C beside
		// the one that is forwarded.
		SysProcAttr: &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP},
	}
	if err := ch.cmd.Start(); err != nil {
		return nil, errors.Join(err, windows.CloseHandle(job))
	}
	ch.pid = ch.cmd.Process.Pid
	// What the command starts before this is not in the job.
	if err := ch.assign(); err != nil {
		_ = ch.cmd.Process.Kill()
		_ = ch.cmd.Wait()
		return nil, errors.Join(err, windows.CloseHandle(job))
	}
	go ch.wait()
	return ch, nil
}

// newJob makes a job whose processes end when its last handle is closed: when
// this process ends in any way.
func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{
			LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
		},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		return 0, errors.Join(err, windows.CloseHandle(job))
	}
	return job, nil
}

func (c *child) assign() error {
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(c.pid))
	if err != nil {
		return err
	}
	return errors.Join(windows.AssignProcessToJobObject(c.job, process), windows.CloseHandle(process))
}

func (c *child) wait() {
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.events <- event{exited: true, code: 1}
		return
	}
	c.events <- event{exited: true, code: c.cmd.ProcessState.ExitCode()}
}

func (c *child) forward(os.Signal) { c.terminate() }

func (c *child) terminate() {
	_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(c.pid))
}

func (c *child) kill() { _ = windows.TerminateJobObject(c.job, 128+9) }

// gone reports whether no process of the job runs.
func (c *child) gone() bool {
	var info struct {
		TotalUserTime, TotalKernelTime, ThisPeriodTotalUserTime, ThisPeriodTotalKernelTime int64
		TotalPageFaultCount, TotalProcesses, ActiveProcesses, TotalTerminatedProcesses     uint32
	}
	err := windows.QueryInformationJobObject(c.job, windows.JobObjectBasicAccountingInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)), nil)
	return err == nil && info.ActiveProcesses == 0
}

// stopped is for systems that stop processes.
func (c *child) stopped(e event) { _ = e.stop }

// close leaves what the command started and did not wait for to itself, as on
// other systems.
func (c *child) close() {
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	_, _ = windows.SetInformationJobObject(c.job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	_ = windows.CloseHandle(c.job)
}
