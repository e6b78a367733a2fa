/* The names and the nature of events. */
#include "core/event.h"

#include <stdio.h>

enum nature { CONFIRMS = 1, CLOSES = 2 };

/* clang-format off */
static const struct {
    const char *name;
    int nature;
} events[] = {
    [EVENT_WORKFLOW_STARTED]                        = {"WorkflowExecutionStarted",                        0},
    [EVENT_WORKFLOW_COMPLETED]                      = {"WorkflowExecutionCompleted",                      CONFIRMS | CLOSES},
    [EVENT_WORKFLOW_FAILED]                         = {"WorkflowExecutionFailed",                         CONFIRMS | CLOSES},
    [EVENT_WORKFLOW_TIMED_OUT]                      = {"WorkflowExecutionTimedOut",                       CLOSES},
    [EVENT_TASK_SCHEDULED]                          = {"WorkflowTaskScheduled",                           0},
    [EVENT_TASK_STARTED]                            = {"WorkflowTaskStarted",                             0},
    [EVENT_TASK_COMPLETED]                          = {"WorkflowTaskCompleted",                           0},
    [EVENT_TASK_TIMED_OUT]                          = {"WorkflowTaskTimedOut",                            0},
    [EVENT_TASK_FAILED]                             = {"WorkflowTaskFailed",                              0},
    [EVENT_ACTIVITY_SCHEDULED]                      = {"ActivityTaskScheduled",                           CONFIRMS},
    [EVENT_ACTIVITY_STARTED]                        = {"ActivityTaskStarted",                             0},
    [EVENT_ACTIVITY_COMPLETED]                      = {"ActivityTaskCompleted",                           0},
    [EVENT_ACTIVITY_FAILED]                         = {"ActivityTaskFailed",                              0},
    [EVENT_ACTIVITY_TIMED_OUT]                      = {"ActivityTaskTimedOut",                            0},
    [EVENT_ACTIVITY_CANCEL_REQUESTED]               = {"ActivityTaskCancelRequested",                     CONFIRMS},
    [EVENT_ACTIVITY_CANCELED]                       = {"ActivityTaskCanceled",                            0},
    [EVENT_TIMER_STARTED]                           = {"TimerStarted",                                    CONFIRMS},
    [EVENT_TIMER_FIRED]                             = {"TimerFired",                                      0},
    [EVENT_TIMER_CANCELED]                          = {"TimerCanceled",                                   CONFIRMS},
    [EVENT_WORKFLOW_CANCEL_REQUESTED]               = {"WorkflowExecutionCancelRequested",                0},
    [EVENT_WORKFLOW_CANCELED]                       = {"WorkflowExecutionCanceled",                       CONFIRMS | CLOSES},
    [EVENT_EXTERNAL_CANCEL_INITIATED]               = {"RequestCancelExternalWorkflowExecutionInitiated", CONFIRMS},
    [EVENT_EXTERNAL_CANCEL_FAILED]                  = {"RequestCancelExternalWorkflowExecutionFailed",    0},
    [EVENT_EXTERNAL_CANCEL_REQUESTED]               = {"ExternalWorkflowExecutionCancelRequested",        0},
    [EVENT_MARKER_RECORDED]                         = {"MarkerRecorded",                                  CONFIRMS},
    [EVENT_WORKFLOW_SIGNALED]                       = {"WorkflowExecutionSignaled",                       0},
    [EVENT_WORKFLOW_TERMINATED]                     = {"WorkflowExecutionTerminated",                     CLOSES},
    [EVENT_WORKFLOW_CONTINUED_AS_NEW]               = {"WorkflowExecutionContinuedAsNew",                 CONFIRMS | CLOSES},
    [EVENT_CHILD_INITIATED]                         = {"StartChildWorkflowExecutionInitiated",            CONFIRMS},
    [EVENT_CHILD_START_FAILED]                      = {"StartChildWorkflowExecutionFailed",               0},
    [EVENT_CHILD_STARTED]                           = {"ChildWorkflowExecutionStarted",                   0},
    [EVENT_CHILD_COMPLETED]                         = {"ChildWorkflowExecutionCompleted",                 0},
    [EVENT_CHILD_FAILED]                            = {"ChildWorkflowExecutionFailed",                    0},
    [EVENT_CHILD_CANCELED]                          = {"ChildWorkflowExecutionCanceled",                  0},
    [EVENT_CHILD_TIMED_OUT]                         = {"ChildWorkflowExecutionTimedOut",                  0},
    [EVENT_CHILD_TERMINATED]                        = {"ChildWorkflowExecutionTerminated",                0},
    [EVENT_EXTERNAL_SIGNAL_INITIATED]               = {"SignalExternalWorkflowExecutionInitiated",        CONFIRMS},
    [EVENT_EXTERNAL_SIGNAL_FAILED]                  = {"SignalExternalWorkflowExecutionFailed",           0},
    [EVENT_EXTERNAL_SIGNALED]                       = {"ExternalWorkflowExecutionSignaled",               0},
    [EVENT_UPSERT_SEARCH_ATTRIBUTES]                = {"UpsertWorkflowSearchAttributes",                  CONFIRMS},
    [EVENT_UPDATE_ACCEPTED]                         = {"WorkflowExecutionUpdateAccepted",                 CONFIRMS},
    [EVENT_UPDATE_REJECTED]                         = {"WorkflowExecutionUpdateRejected",                 CONFIRMS},
    [EVENT_UPDATE_COMPLETED]                        = {"WorkflowExecutionUpdateCompleted",                CONFIRMS},
    [EVENT_WORKFLOW_PROPERTIES_MODIFIED_EXTERNALLY] = {"WorkflowPropertiesModifiedExternally",            0},
    [EVENT_ACTIVITY_PROPERTIES_MODIFIED_EXTERNALLY] = {"ActivityPropertiesModifiedExternally",            0},
    [EVENT_PROPERTIES_MODIFIED]                     = {"WorkflowPropertiesModified",                      CONFIRMS},
    [EVENT_UPDATE_ADMITTED]                         = {"WorkflowExecutionUpdateAdmitted",                 0},
    [EVENT_NEXUS_SCHEDULED]                         = {"NexusOperationScheduled",                         CONFIRMS},
    [EVENT_NEXUS_STARTED]                           = {"NexusOperationStarted",                           0},
    [EVENT_NEXUS_COMPLETED]                         = {"NexusOperationCompleted",                         0},
    [EVENT_NEXUS_FAILED]                            = {"NexusOperationFailed",                            0},
    [EVENT_NEXUS_CANCELED]                          = {"NexusOperationCanceled",                          0},
    [EVENT_NEXUS_TIMED_OUT]                         = {"NexusOperationTimedOut",                          0},
    [EVENT_NEXUS_CANCEL_REQUESTED]                  = {"NexusOperationCancelRequested",                   CONFIRMS},
    [EVENT_WORKFLOW_OPTIONS_UPDATED]                = {"WorkflowExecutionOptionsUpdated",                 0},
    [EVENT_NEXUS_CANCEL_REQUEST_COMPLETED]          = {"NexusOperationCancelRequestCompleted",            0},
    [EVENT_NEXUS_CANCEL_REQUEST_FAILED]             = {"NexusOperationCancelRequestFailed",               0},
    [EVENT_WORKFLOW_PAUSED]                         = {"WorkflowExecutionPaused",                         0},
    [EVENT_WORKFLOW_UNPAUSED]                       = {"WorkflowExecutionUnpaused",                       0},
    [EVENT_TIME_SKIPPED]                            = {"WorkflowExecutionTimeSkippingTransitioned",       0},
};
/* clang-format on */

enum { EVENT_COUNT = sizeof events / sizeof *events };

static int nature_of(int type)
{
    return type > 0 && type < EVENT_COUNT ? events[type].nature : 0;
}

const char *event_type_name(int type)
{
    static _Thread_local char unknown[32];
    if (type > 0 && type < EVENT_COUNT)
        return events[type].name;
    snprintf(unknown, sizeof unknown, "EventType%d", type);
    return unknown;
}

bool event_confirms(int type)
{
    return nature_of(type) & CONFIRMS;
}

bool event_closes(int type)
{
    return nature_of(type) & CLOSES;
}
