/*
 * Memory of a VM. Each block carries its owner's account in front, so that what a run holds is
 * known in a VM that many runs share. A limit counts garbage: at four fifths of it a collection is
 * asked for, and a run whose live memory is still above three quarters is stopped.
 *
 * Memory is refused only while a script runs; then the alarm is raised at once, so that the script
 * is stopped before it can see the refusal.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "script/vm_state.h"

/* AddressSanitizer sees every block only when malloc gives it. */
#if defined(__SANITIZE_ADDRESS__)
enum { POOLED = 0 };
#else
enum { POOLED = POOL_LARGEST };
#endif

struct block {
    struct vm_account *owner;
};

static void *take(struct vm *vm, size_t size)
{
    return size <= POOLED ? pool_take(&vm->pool, size) : memory_resize(NULL, size);
}

static void give(struct vm *vm, void *block, size_t size)
{
    if (size <= POOLED)
        pool_give(&vm->pool, block, size);
    else
        free(block);
}

static void *resize(struct vm *vm, void *old, size_t before, size_t after)
{
    if (before > POOLED && after > POOLED)
        return memory_resize(old, after);
    void *block = take(vm, after);
    memcpy(block, old, before < after ? before : after);
    give(vm, old, before);
    return block;
}

/* With `more`, past four fifths. */
static bool is_much(const struct vm_account *account, size_t more)
{
    return account->used + more > account->calm;
}

static bool is_too_much(const struct vm_account *account, size_t more)
{
    return account->used + more > account->limit;
}

static bool refuses(struct vm *vm, const struct vm_account *owner, size_t more)
{
    if (!is_much(owner, more) && !is_much(&vm->heap, more))
        return false;
    if (!vm->running)
        return false;
    bool beyond = is_too_much(owner, more) || is_too_much(&vm->heap, more);
    vm_raise(vm, beyond ? ALARM_MEMORY : ALARM_COLLECT);
    return beyond;
}

static void *add(struct vm *vm, size_t size)
{
    struct vm_account *owner = vm->charged;
    if (refuses(vm, owner, size))
        return NULL;
    struct block *block = take(vm, size);
    block->owner = owner;
    owner->used += size;
    vm->heap.used += size;
    return block + 1;
}

static void drop(struct vm *vm, struct block *block, size_t size)
{
    struct vm_account *owner = block->owner;
    owner->used -= size;
    vm->heap.used -= size;
    give(vm, block, size);
    if (owner->released && owner->used == 0)
        free(owner);
}

static void *change(struct vm *vm, struct block *block, size_t before, size_t after)
{
    struct vm_account *owner = block->owner;
    if (after > before && refuses(vm, owner, after - before))
        return NULL;
    block = resize(vm, block, before, after);
    owner->used += after - before;
    vm->heap.used += after - before;
    return block + 1;
}

void *vm_allocate(void *user, void *old, size_t old_size, size_t new_size)
{
    struct block *block = old;
    if (!old)
        return new_size ? add(user, new_size + sizeof *block) : NULL;
    block--;
    if (new_size)
        return change(user, block, old_size + sizeof *block, new_size + sizeof *block);
    drop(user, block, old_size + sizeof *block);
    return NULL;
}

void account_init(struct vm_account *account, size_t limit)
{
    *account = (struct vm_account){.limit = limit ? limit : SIZE_MAX};
    account->calm = account->limit / 5 * 4;
}

struct vm_account *vm_account_new(size_t limit)
{
    struct vm_account *account = memory_new(sizeof *account);
    account_init(account, limit);
    return account;
}

void vm_account_free(struct vm_account *account)
{
    account->released = true;
    if (account->used == 0)
        free(account);
}

size_t vm_account_used(const struct vm_account *account)
{
    return account->used;
}

void vm_charge(struct vm *vm, struct vm_account *account)
{
    vm->charged = account ? account : &vm->own;
}

bool vm_memory_is_tight(const struct vm *vm)
{
    const struct vm_account *run = vm->charged;
    return run->used > run->limit / 4 * 3 || vm->heap.used > vm->heap.limit / 4 * 3;
}
