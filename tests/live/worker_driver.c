#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <unistd.h>
#include "base/log.h"
#include "worker/worker.h"

static void stopped(void *user) { (void)user; kill(getpid(), SIGUSR1); }

int main(int argc, char **argv)
{
    struct worker_options o = worker_defaults();
    struct rpc_config config; struct error err; struct rpc *rpc; struct worker *w;
    const char *address=NULL,*space=NULL;
    static const struct option longs[]={{"address",1,0,'a'},{"queue",1,0,'q'},{"scripts",1,0,'s'},{"health",1,0,'h'},{"cache",1,0,'c'},{"activities",1,0,'n'},{"grace",1,0,'g'},{"namespace",1,0,'N'},{"log-level",1,0,'l'},{0}};
    enum log_level level = LOG_INFO;
    int c;
    while((c=getopt_long(argc-1,argv+1,"",longs,NULL))!=-1) switch(c){
        case 'a': address=optarg;break; case 'q': o.task_queue=optarg;break; case 's': o.scripts=optarg;break;
        case 'h': o.health_address=optarg;break; case 'c': o.cache_size=(size_t)atoi(optarg);break; case 'n': o.max_activities=atoi(optarg);break;
        case 'g': o.graceful_timeout_ms=atoi(optarg)*1000;break; case 'N': space=optarg;break; case 'l': log_level_parse(optarg,&level);break; default: return 2;}
    log_configure((struct log_options){.level=level});
    sigset_t set; sigemptyset(&set); sigaddset(&set,SIGTERM); sigaddset(&set,SIGINT); sigaddset(&set,SIGUSR1);
    pthread_sigmask(SIG_BLOCK,&set,NULL);
    struct rpc_config_source src={0};
    if(!rpc_config_load(&config,&src,&err)) {fprintf(stderr,"%s\n",err.text);return 1;}
    if(address){free(config.address);config.address=strdup(address);}
    if(space){free(config.space);config.space=strdup(space);}
    if(!rpc_open(&rpc,&config,&err)) {fprintf(stderr,"%s\n",err.text);return 1;}
    o.rpc=rpc;o.space=config.space;o.stopped=stopped;
    if(!worker_start(&w,&o,&err)) {fprintf(stderr,"%s\n",err.text);rpc_close(rpc);rpc_config_release(&config);return 1;}
    int n=0;
    while(!worker_wait(w,0)){int sig; sigwait(&set,&sig); if(sig==SIGUSR1)break; if(n++==0)worker_drain(w);else worker_hurry(w);}
    bool ok=worker_stop(w,&err); if(!ok)fprintf(stderr,"%s\n",err.text);
    rpc_close(rpc); rpc_config_release(&config);
    return ok?0:1;
}
